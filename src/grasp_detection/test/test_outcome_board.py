"""Requests wait on wall time for an outcome that is new enough; failures say which."""

from __future__ import annotations

import threading
import time

import pytest

from grasp_core.errors import BadGoal, NoImage, StaleDetection
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


def wait(board, not_before_s=0.0, timeout_s=0.05, now_s=10.0):
    return board.wait(
        round(not_before_s * SECOND), timeout_s, lambda: "nothing on /x", round(now_s * SECOND)
    )


def test_a_new_enough_outcome_is_returned_at_once(board):
    board.post(outcome(5.0, age_s=100.0))
    assert wait(board, 4.0).stamp_ns == 5 * SECOND


def test_what_was_seen_before_the_clock_was_reset_is_no_answer(board):
    board.post(outcome(100.0, age_s=600.0))
    with pytest.raises(NoImage, match="nothing on /x"):
        wait(board, 3.0, now_s=3.1)
    board.post(outcome(100.0))
    assert wait(board, 3.0, now_s=99.5).stamp_ns == 100 * SECOND  # a camera slightly ahead


def test_any_image_means_a_recent_one(board):
    board.post(outcome(5.0, age_s=100.0))
    with pytest.raises(NoImage, match="nothing on /x"):
        wait(board)
    board.post(outcome(6.0))
    assert wait(board).stamp_ns == 6 * SECOND


def test_only_earlier_images_are_stale(board):
    board.post(outcome(5.0))
    with pytest.raises(StaleDetection, match=r"5\.000 s"):
        wait(board, 7.0)


def test_frames_passed_over_make_it_stale_too(board):
    seen = []

    def request():
        with pytest.raises(StaleDetection, match=r"6\.500 s"):
            wait(board, 7.0, 0.3)
        seen.append(True)

    thread = threading.Thread(target=request)
    thread.start()
    while not board.has_requests:
        time.sleep(0.001)
    assert board.is_too_old(round(6.5 * SECOND))
    assert not board.is_too_old(7 * SECOND)
    thread.join()
    assert seen
    assert not board.is_too_old(0)


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
