"""Goals of an action server as motions: accepted, refused, late, cancelled, judged."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from action_msgs.msg import GoalStatus
from rclpy.task import Future

from grasp_core.errors import HardwareLost, TrajectoryAborted, TrajectoryRefused
from grasp_executor import ros_motion
from grasp_executor.ros_motion import ActionMotion

TIMEOUT_S = 5.0


class Server:
    """Client, server and spinning thread in one: it answers when the test says so."""

    def __init__(self, *, there=True):
        self.there = there
        self.answer, self.result = Future(), Future()
        self.goals, self.cancels = [], 0

    def run(self, function):
        return function()

    def wait_for_server(self, timeout_sec):
        self.waited_s = timeout_sec
        return self.there

    def send_goal_async(self, goal):
        self.goals.append(goal)
        return self.answer

    def accepts(self, accepted=True):
        self.answer.set_result(
            SimpleNamespace(
                accepted=accepted,
                get_result_async=lambda: self.result,
                cancel_goal_async=self._cancel,
            )
        )
        return self

    def _cancel(self):
        self.cancels += 1
        return Future()

    def ends(self, status=GoalStatus.STATUS_SUCCEEDED, result="result"):
        self.result.set_result(SimpleNamespace(status=status, result=result))


def judge(status, result):
    if status != GoalStatus.STATUS_SUCCEEDED:
        raise TrajectoryAborted(f"ended with status {status}: {result}")


def start(server):
    return ActionMotion(
        server, server, "arm/follow", "goal", "the arm", TIMEOUT_S, judge, TrajectoryRefused
    )


@pytest.fixture
def clock(monkeypatch):
    """The steady clock, set by hand."""
    clock = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(ros_motion.time, "monotonic", lambda: clock.now_s)
    return clock


def test_a_goal_that_is_accepted_and_reached():
    server = Server()
    motion = start(server)
    assert server.goals == ["goal"]
    assert not motion.done()
    server.accepts()
    assert not motion.done()
    server.ends()
    assert motion.done()
    motion.check()
    assert server.cancels == 0


def test_a_goal_that_ends_badly_is_judged_by_its_result():
    server = Server()
    motion = start(server)
    server.accepts().ends(GoalStatus.STATUS_ABORTED, "off the path")
    assert motion.done()
    with pytest.raises(TrajectoryAborted, match="off the path"):
        motion.check()


def test_a_goal_that_is_refused():
    server = Server()
    motion = start(server)
    server.accepts(False)
    assert motion.done()
    with pytest.raises(TrajectoryRefused, match="the arm refused the goal"):
        motion.check()
    motion.cancel()
    assert server.cancels == 0


def test_a_server_that_is_not_there_is_lost_hardware():
    server = Server(there=False)
    with pytest.raises(HardwareLost, match=r"the arm does not answer on arm/follow for 5\.0 s"):
        start(server)
    assert (server.waited_s, server.goals) == (TIMEOUT_S, [])


def test_a_server_that_says_nothing_is_lost_hardware(clock):
    motion = start(Server())
    clock.now_s += TIMEOUT_S - 0.1
    assert not motion.done()
    clock.now_s += 0.2
    assert motion.done()
    with pytest.raises(HardwareLost, match=r"neither accepts nor refuses the goal within 5\.0 s"):
        motion.check()


def test_a_goal_accepted_after_it_was_given_up_is_cancelled(clock):
    server = Server()
    motion = start(server)
    clock.now_s += TIMEOUT_S + 0.1
    assert motion.done()
    server.accepts()
    assert server.cancels == 1
    with pytest.raises(HardwareLost):
        motion.check()


def test_a_running_goal_is_cancelled_once_and_done_when_that_is_confirmed():
    server = Server()
    motion = start(server)
    server.accepts()
    assert not motion.done()
    motion.cancel()
    motion.cancel()
    assert server.cancels == 1
    assert not motion.done()
    server.ends(GoalStatus.STATUS_CANCELED, "stopped")
    assert motion.done()
    with pytest.raises(TrajectoryAborted, match="stopped"):
        motion.check()


def test_a_goal_cancelled_before_it_is_accepted_does_not_run_on():
    server = Server()
    motion = start(server)
    motion.cancel()
    assert server.cancels == 0  # there is nothing to cancel yet
    assert not motion.done()
    server.accepts()
    assert server.cancels == 1  # even if nobody asks any more whether it is done
    assert not motion.done()
    server.ends(GoalStatus.STATUS_CANCELED)
    assert motion.done()


def test_a_cancel_that_is_not_confirmed_is_lost_hardware(clock):
    server = Server()
    motion = start(server)
    server.accepts()
    clock.now_s += 60.0  # a long motion is no silence
    assert not motion.done()
    motion.cancel()
    clock.now_s += TIMEOUT_S + 0.1
    assert motion.done()
    with pytest.raises(HardwareLost, match=r"does not confirm the cancel within 5\.0 s"):
        motion.check()


def test_what_has_ended_is_not_cancelled():
    server = Server()
    motion = start(server)
    server.accepts().ends()
    motion.cancel()
    assert server.cancels == 0
    motion.check()
