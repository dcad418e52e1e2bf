"""Requests wait on wall time for an outcome that is new enough; failures say which."""

from __future__ import annotations

import threading
import time

import pytest

from grasp_core.errors import (
    BadGoal,
    BadImage,
    DetectorBusy,
    GraspStackError,
    NoImage,
    StaleDetection,
)
from grasp_detection.mailbox import Mailbox
from grasp_detection.outcome_board import Outcome, OutcomeBoard

SECOND = 1_000_000_000


def outcome(stamp_s: float, age_s: float = 0.0) -> Outcome:
    return Outcome(round(stamp_s * SECOND), None, arrived_s=time.monotonic() - age_s)


@pytest.fixture
def board():
    board = OutcomeBoard()
    board.open()
    return board


def wait(board, not_before_s=0.0, timeout_s=0.05, why_none=lambda since_s: None):
    return board.wait(round(not_before_s * SECOND), timeout_s, why_none)


def while_waiting(board, *steps, not_before_s=4.0, timeout_s=0.1):
    """What a request gets, an outcome or an error, while steps are taken 10 ms apart."""
    answers = []

    def request():
        try:
            answers.append(wait(board, not_before_s, timeout_s))
        except GraspStackError as error:
            answers.append(error)

    thread = threading.Thread(target=request)
    thread.start()
    while not board.has_requests:
        time.sleep(0.001)
    for step in steps:
        step()
        time.sleep(0.01)
    thread.join()
    return answers[0]


def arrive(board, stamp_s):
    return lambda: board.arrived(round(stamp_s * SECOND), time.monotonic())


def test_an_image_must_arrive_after_the_request_too(board):
    board.post(outcome(5.0))  # of a camera whose clock leads: stamped late enough, seen before
    with pytest.raises(NoImage):
        wait(board, 4.0)
    answer = while_waiting(board, arrive(board, 5.1), lambda: board.post(outcome(5.1)))
    assert answer.stamp_ns == round(5.1 * SECOND)


def test_any_image_means_a_recent_one(board):
    board.post(outcome(5.0, age_s=100.0))
    with pytest.raises(NoImage, match="no image within"):
        wait(board)
    board.post(outcome(6.0))
    assert wait(board).stamp_ns == 6 * SECOND


def test_why_nothing_came_is_told_as_it_is(board):
    began = time.monotonic()
    seen = []

    def why_none(since_s):
        seen.append(since_s)
        return BadImage("stamps do not match")

    with pytest.raises(BadImage, match="stamps do not match"):
        wait(board, 4.0, why_none=why_none)
    assert began <= seen[0] <= time.monotonic()


def test_only_earlier_images_are_stale(board):
    error = while_waiting(board, arrive(board, 3.5), arrive(board, 3.4))
    assert isinstance(error, StaleDetection)
    assert "3.500 s" in str(error)


def test_a_detector_that_does_not_get_the_image_done_is_busy(board):
    error = while_waiting(board, arrive(board, 5.0), board.begin)
    assert isinstance(error, DetectorBusy)
    assert "none is done within 0.1 s" in str(error)


def test_a_detector_that_never_ends_an_earlier_frame_is_busy(board):
    board.begin()
    error = while_waiting(board)
    assert isinstance(error, DetectorBusy)


def test_the_wait_for_an_image_counts_from_when_the_detector_is_free(board):
    board.begin()

    def slow():
        time.sleep(0.12)
        board.post(outcome(3.0))
        time.sleep(0.12)  # by now 0.24 s after the request
        arrive(board, 5.0)()
        time.sleep(0.12)
        board.post(outcome(5.0))

    answer = while_waiting(board, slow, timeout_s=0.2)
    assert answer.stamp_ns == 5 * SECOND


def test_frames_nobody_waits_for_are_unwanted(board):
    late = time.monotonic() + 60.0
    assert not board.is_unwanted(0, late)

    def look():
        assert board.is_unwanted(3 * SECOND, late)
        assert board.is_unwanted(5 * SECOND, late - 120.0)
        assert not board.is_unwanted(5 * SECOND, late)

    assert isinstance(while_waiting(board, look), NoImage)


def test_an_outcome_posted_meanwhile_wakes_the_request(board):
    threading.Timer(0.05, lambda: board.post(outcome(8.0))).start()
    start = time.monotonic()
    assert wait(board, 7.0, 5.0).stamp_ns == 8 * SECOND
    assert time.monotonic() - start < 2.0


def test_closing_sends_requests_away(board):
    threading.Timer(0.05, board.close).start()
    start = time.monotonic()
    with pytest.raises(NoImage, match="not active"):
        wait(board, 7.0, 5.0)
    assert time.monotonic() - start < 2.0


@pytest.mark.parametrize("timeout_s", [-1.0, float("nan"), float("inf")])
def test_impossible_timeouts_are_refused(board, timeout_s):
    with pytest.raises(BadGoal, match="timeout_s"):
        wait(board, 0.0, timeout_s)


def test_mailbox_keeps_the_newest_alone():
    mailbox = Mailbox()
    for item in (1, 2, 3):
        mailbox.put(item)
    assert mailbox.take() == 3
    assert mailbox.replaced == 2
    mailbox.close()
    assert mailbox.take() is None


def test_what_comes_when_the_board_is_closed_is_lost(board):
    board.close()
    board.post(outcome(5.0))
    board.open()
    with pytest.raises(NoImage):
        wait(board)
