"""What the stack makes of faults: each through the real nodes, limits in simulation time."""

from __future__ import annotations

import threading
import time

import pytest
from grasp_msgs.action import Pick
from grasp_msgs.srv import PerturbObject
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rosgraph_msgs.msg import Clock
from running_stack import SPEED, Stack, other_domain
from sensor_msgs.msg import JointState

from grasp_bringup.client import GoalRefused
from grasp_bringup.processes import StackFailed
from grasp_core.errors import Code
from grasp_ros.qos import STATES

pytestmark = pytest.mark.ros

REACTION_S = 0.5
REST_RAD_S = 0.02
TRAVEL_S = 0.1  # of messages on a busy machine, wall time
RESULT_TIMEOUT_S = 90.0


class SimTime:
    """Simulation time as last published."""

    def __init__(self, client):
        self.now_s = 0.0
        client.node.create_subscription(Clock, "/clock", self._receive, 10)

    def _receive(self, message):
        self.now_s = message.clock.sec + message.clock.nanosec * 1e-9


@pytest.fixture(scope="module")
def sim_time(stack):
    return SimTime(stack.client)


class Watched:
    """A pick whose stages are seen as they come."""

    def __init__(self, client, sim_time=None):
        self.stages = {}
        self._sim_time = sim_time
        self._changed = threading.Condition()
        self._future = client.send_pick(Pick.Goal(), self._feedback)
        self._client = client

    def _feedback(self, feedback):
        with self._changed:
            now = self._sim_time.now_s if self._sim_time else 0.0
            self.stages.setdefault(feedback.stage, now)
            self._changed.notify_all()

    def wait_for(self, stage, timeout_s=60.0):
        def seen_or_over():
            return stage in self.stages or self._future.done()

        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not seen_or_over() and time.monotonic() < deadline:
                self._changed.wait(0.2)
        ended = f"; ended: {self.result().message}" if self._future.done() else ""
        assert stage in self.stages, f"stages so far {list(self.stages)}{ended}"

    def result(self):
        return self._client.finish(self._future, RESULT_TIMEOUT_S, "pick").result


def set_parameter(client, node, name, value):
    request = SetParameters.Request(
        parameters=[
            Parameter(
                name=name,
                value=ParameterValue(type=ParameterType.PARAMETER_BOOL, bool_value=value),
            )
        ]
    )
    answer = client.call(SetParameters, f"{node}/set_parameters", request, 10.0)
    assert answer.results[0].successful, answer.results[0].reason


@pytest.fixture
def scene(stack):
    stack.client.new_scene(["block"], seed=3)
    return stack.client


class ArmMotion:
    """When the arm last moved, by the stamps of its joint states: however late they are heard."""

    def __init__(self, client):
        self.moved_s = 0.0
        client.node.create_subscription(JointState, "joint_states", self._receive, STATES)

    def _receive(self, message):
        arm = [
            abs(speed)
            for name, speed in zip(message.name, message.velocity, strict=True)
            if "finger" not in name
        ]
        if arm and max(arm) >= REST_RAD_S:
            self.moved_s = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


@pytest.fixture(scope="module")
def arm_motion(stack):
    return ArmMotion(stack.client)


def test_a_block_is_picked_held_and_taken_away(scene):
    result = scene.pick(Pick.Goal())
    assert result.code == Code.OK, result.message
    assert result.success
    assert result.held_s >= 3.0
    assert result.force_source == "measured"
    assert result.force_n >= 16.0
    assert 0.03 < result.opening_m < 0.07
    assert result.attempts == 1
    assert not result.holding
    assert [thing.name for thing in scene.truth().objects if thing.in_bin] == ["block"]


def test_an_object_removed_before_closing_is_an_empty_grip(scene, sim_time):
    pick = Watched(scene, sim_time)
    pick.wait_for("approach")
    scene.perturb(PerturbObject.Request(operation=PerturbObject.Request.REMOVE))
    result = pick.result()
    assert result.code == Code.EMPTY_GRIP, result.message
    assert not result.holding


def test_an_object_pulled_away_in_the_hold_is_noticed_in_time(scene, sim_time):
    pick = Watched(scene, sim_time)
    pick.wait_for("hold")
    pull = PerturbObject.Request(operation=PerturbObject.Request.PULL, duration_s=1.0)
    pull.vector.z = -80.0
    pulled_s = sim_time.now_s
    assert scene.perturb(pull).success
    result = pick.result()
    assert result.code in (Code.DROPPED, Code.SLIPPED), result.message
    # The hold ends when the loss is noticed.
    hold_s = dict(zip(result.stages, result.stage_s, strict=True))["hold"]
    assert pick.stages["hold"] + hold_s - pulled_s <= REACTION_S
    assert result.held_s < 3.0


def test_a_silent_camera_is_told(scene):
    set_parameter(scene, "simulator", "camera_enabled", False)
    try:
        result = scene.pick(Pick.Goal())
    finally:
        set_parameter(scene, "simulator", "camera_enabled", True)
    assert result.code in (Code.NO_IMAGE, Code.STALE_DETECTION), result.message


def test_a_refused_trajectory_is_told(scene):
    set_parameter(scene, "simulator", "arm_enabled", False)
    try:
        result = scene.pick(Pick.Goal())
    finally:
        set_parameter(scene, "simulator", "arm_enabled", True)
    assert result.code == Code.TRAJECTORY_REFUSED, result.message


@pytest.mark.parametrize(("stage", "holding"), [("approach", False), ("hold", True)])
def test_cancel_stops_the_arm_and_tells_what_the_gripper_holds(
    scene, sim_time, arm_motion, stage, holding
):
    pick = Watched(scene, sim_time)
    pick.wait_for(stage)
    cancelled_s = sim_time.now_s
    scene.cancel_pick()
    result = pick.result()
    # The simulation runs ahead while clock and request are on their way.
    on_the_way_s = TRAVEL_S * float(SPEED)
    assert 0.0 < arm_motion.moved_s <= cancelled_s + REACTION_S + on_the_way_s
    assert result.code == Code.CANCELLED, result.message
    assert result.holding is holding
    assert any(thing.between_fingers for thing in scene.truth().objects) is holding


def test_what_a_cancelled_pick_left_in_the_hand_is_put_away_first(scene, sim_time):
    pick = Watched(scene, sim_time)
    pick.wait_for("hold")
    scene.cancel_pick()
    assert pick.result().holding
    result = scene.pick(Pick.Goal())
    assert result.stages[0] == "put_away"
    assert result.code == Code.NO_GRASP, result.message  # the only object is in the bin now
    assert [thing.in_bin for thing in scene.truth().objects] == [True]


def test_a_second_goal_is_refused(scene, sim_time):
    pick = Watched(scene, sim_time)
    pick.wait_for("look")
    with pytest.raises(GoalRefused):
        scene.send_pick(Pick.Goal())
    scene.cancel_pick()
    pick.result()


def test_an_object_wider_than_the_jaws_is_too_wide(stack):
    stack.client.new_scene(["crate"], seed=1)
    result = stack.client.pick(Pick.Goal())
    assert result.code == Code.TOO_WIDE, result.message
    assert result.attempts == 0


def test_goals_out_of_range_get_a_typed_answer(scene):
    result = scene.pick(Pick.Goal(min_quality=2.0))
    assert result.code == Code.BAD_GOAL
    assert "min_quality is 2.0" in result.message
    assert scene.pick(Pick.Goal(label="shoe")).code == Code.OBJECT_NOT_FOUND


@pytest.mark.parametrize("node", ["detector", "executor"])
def test_a_transition_the_state_does_not_have_is_refused(stack, node):
    with pytest.raises(StackFailed, match=f"node {node} refused transition 1 and is active"):
        stack.client.transition(node, Transition.TRANSITION_CONFIGURE, 10.0)
    stack.processes.check()
    assert stack.client.is_active(node)


def test_a_killed_simulator_is_lost_hardware(objects, tmp_path):
    with Stack(objects, tmp_path, other_domain(2)) as running:
        client = running.client
        client.new_scene(["block"], seed=3)
        pick = Watched(client)
        pick.wait_for("pregrasp")
        client.watch(lambda: None)
        running.processes.kill("simulator")
        killed = time.monotonic()
        result = pick.result()
        assert result.code == Code.HARDWARE_LOST, result.message
        assert time.monotonic() - killed < 20.0
