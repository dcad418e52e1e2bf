"""Picks with somebody beside the robot: what is asked, what is answered, what cancels."""

from __future__ import annotations

import itertools
import threading
import time

import pytest
import rclpy
from grasp_msgs.action import Pick
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from running_stack import other_domain, ros_domain
from std_srvs.srv import Trigger

from grasp_bringup.attended_pick import AttendedPick
from grasp_bringup.client import StackClient
from grasp_core.errors import Code

pytestmark = pytest.mark.ros

# The same words twice: two motions, two words.
ASKED = ("the arm moves for 0.2 s", "the arm moves for 0.2 s", "the jaws close with 20 N")
PATIENCE_S = 30.0
NUMBERS = itertools.count()


class Executor:
    """An executor that asks before each motion and picks nothing."""

    def __init__(self, context, namespace):
        self.node = rclpy.create_node("executor", namespace=namespace, context=context)
        group = ReentrantCallbackGroup()
        self.node.create_service(Trigger, "~/confirm", self._confirm, callback_group=group)
        ActionServer(
            self.node,
            Pick,
            "pick",
            self._pick,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=group,
        )
        self.confirmed = 0
        self._word = threading.Event()

    def _confirm(self, request, response):
        self.confirmed += 1
        self._word.set()
        response.success = True
        return response

    def _pick(self, goal):
        deadline = time.monotonic() + PATIENCE_S
        for what in ASKED:
            self._word.clear()
            goal.publish_feedback(Pick.Feedback(stage="travel", waits_for=what))
            while not self._word.wait(0.02):
                assert time.monotonic() < deadline
                if goal.is_cancel_requested:
                    goal.canceled()
                    return Pick.Result(code=int(Code.CANCELLED))
            goal.publish_feedback(Pick.Feedback(stage="travel"))
        goal.succeed()
        return Pick.Result(success=True, code=int(Code.OK))


@pytest.fixture
def executor():
    with ros_domain(other_domain(2)):
        context = rclpy.Context()
        rclpy.init(context=context)
        # Servers of the test before may still be seen for a while: each test has its own names.
        namespace = f"left_{next(NUMBERS)}"
        served = Executor(context, namespace)
        spinner = MultiThreadedExecutor(4, context=context)
        spinner.add_node(served.node)
        thread = threading.Thread(target=spinner.spin, daemon=True)
        thread.start()
        with StackClient(namespace=namespace) as client:
            yield served, client
        spinner.shutdown(2.0)
        served.node.destroy_node()
        context.try_shutdown()


def test_every_motion_is_asked_for_once_and_confirmed(executor):
    served, client = executor
    asked, told = [], []

    def confirms(what):
        asked.append(what)
        return True

    result = AttendedPick(client, confirms, told.append).run(Pick.Goal())
    assert (result.success, result.code) == (True, Code.OK)
    assert asked == list(ASKED)
    assert served.confirmed == len(ASKED)
    assert told == ["travel"]


def test_a_no_cancels_the_pick(executor):
    served, client = executor
    result = AttendedPick(client, lambda what: "jaws" not in what).run(Pick.Goal())
    assert result.code == Code.CANCELLED
    assert served.confirmed == 2


def test_an_interruption_cancels_the_pick(executor):
    served, client = executor

    def interrupts(what):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AttendedPick(client, interrupts).run(Pick.Goal())
    assert served.confirmed == 0
    # It has ended: the next one is served.
    assert AttendedPick(client, lambda what: True).run(Pick.Goal()).success
