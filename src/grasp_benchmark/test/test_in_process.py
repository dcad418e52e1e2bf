"""The pick sequence over the simulation in this process: no ROS, repeatable."""

import math
from dataclasses import replace

import numpy as np
import pytest
from memory_move_group import MemoryMoveGroup

from grasp_benchmark.closed_loop.played_operator import attend_to
from grasp_benchmark.in_process import SimArm, SimCamera, SimGripper, sequence_in
from grasp_benchmark.speed.pose_error import measure_pose_errors
from grasp_core.cell import load_cell
from grasp_core.errors import Code
from grasp_core.robot import load_robot, robot_names
from grasp_core.transform import Transform
from grasp_detection.registry import create_detector
from grasp_executor.config import PickConfig
from grasp_executor.outcome import Stage
from grasp_executor.planning.kinematics import Kinematics
from grasp_executor.planning.moveit import MoveItPlanner
from grasp_executor.selection import PickGoal
from grasp_sim.camera import hand_camera_pose, intrinsics
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation

ROBOT = load_robot("panda", "force_hand")
BLOCK_SIZE = (0.04, 0.06, 0.05)


@pytest.fixture(scope="module")
def shared():
    simulation = Simulation(SimConfig(renderer="tiny"), ROBOT)
    yield simulation
    simulation.close()


@pytest.fixture
def simulation(shared):
    shared.clear()
    return shared


def place(simulation, name="block", size=BLOCK_SIZE, x=0.5, y=0.0, yaw=0.4):
    pose = Transform.from_rpy((0.0, 0.0, yaw), (x, y, size[2] / 2))
    simulation.world.add_box(name, size, pose)


def sequence(simulation, **settings):
    detector = create_detector("antipodal", ROBOT.gripper)
    return sequence_in(simulation, detector, ROBOT, config=PickConfig(**settings))


def in_bin(simulation):
    return [thing.name for thing in simulation.truth() if thing.in_bin]


def test_a_block_is_picked_and_the_stages_are_told_in_order(simulation):
    place(simulation)
    stages = []
    outcome = sequence(simulation).run(
        PickGoal(), report=lambda progress: stages.append(progress.stage)
    )
    assert outcome.code is Code.OK, outcome.message
    assert in_bin(simulation) == ["block"]
    assert outcome.held_s >= 3.0
    assert outcome.opening_m == pytest.approx(0.04, abs=0.002)
    assert outcome.T_base_grasp.translation[:2] == pytest.approx((0.5, 0.0), abs=0.006)
    wanted = [
        stage for stage in Stage if stage not in (Stage.PUT_AWAY, Stage.SET_DOWN, Stage.RETREAT)
    ]
    assert list(dict.fromkeys(stages)) == wanted


def test_a_block_is_picked_with_the_planner_moveit(simulation):
    """Over a move_group in memory, which shows that the whole pick needs no more of it."""
    place(simulation)
    planner = MoveItPlanner(ROBOT, MemoryMoveGroup(ROBOT))
    detector = create_detector("antipodal", ROBOT.gripper)
    outcome = sequence_in(simulation, detector, ROBOT, planner=planner).run(PickGoal())
    assert outcome.code is Code.OK, outcome.message
    assert in_bin(simulation) == ["block"]


def test_the_same_pick_twice_is_the_same():
    results = []
    for _ in range(2):
        simulation = Simulation(SimConfig(renderer="tiny"), ROBOT)
        simulation.new_scene(["417"], seed=2)
        outcome = sequence(simulation).run(PickGoal())
        results.append((outcome.code, outcome.opening_m, outcome.stage_s, simulation.time_ns))
        simulation.close()
    assert results[0] == results[1]
    assert results[0][0] is Code.OK


def test_neighbours_stay_where_they_are(simulation):
    place(simulation, y=-0.03, yaw=0.0)
    place(simulation, "neighbour", y=0.05, yaw=0.0, size=(0.04, 0.04, 0.10))
    before = {thing.name: thing.pose for thing in simulation.truth()}
    outcome = sequence(simulation).run(PickGoal())
    assert outcome.code is Code.OK, outcome.message
    (left,) = (thing for thing in simulation.truth() if not thing.in_bin)
    moved, turned = before[left.name].distance_to(left.pose)
    assert moved < 0.003
    assert turned < 0.05


def test_a_second_attempt_looks_again(simulation):
    place(simulation)
    taken = []

    def take_once(progress):
        if progress.stage is Stage.APPROACH and not taken:
            taken.append(simulation.remove("block"))
        if progress.stage is Stage.RETREAT and "block" not in simulation.world.objects:
            place(simulation, x=0.45)

    outcome = sequence(simulation).run(PickGoal(max_attempts=2), report=take_once)
    assert outcome.code is Code.OK, outcome.message
    assert outcome.attempts == 2
    assert [stage for stage, _ in outcome.stage_s].count(Stage.LOOK) == 2


def test_every_attempt_holds_anew(simulation):
    place(simulation)
    done = []

    def lose_once(progress):
        if progress.stage is Stage.CARRY and not done:
            done.append(simulation.remove("block"))
        if progress.stage is Stage.RETREAT and "block" not in simulation.world.objects:
            place(simulation, x=0.45)

    outcome = sequence(simulation).run(PickGoal(max_attempts=2), report=lose_once)
    assert outcome.code is Code.OK, outcome.message
    holds = [seconds for stage, seconds in outcome.stage_s if stage is Stage.HOLD]
    assert len(holds) == 2
    assert all(seconds >= 3.0 for seconds in holds)


def test_a_lost_object_is_not_reported_with_what_was_held_before(simulation):
    place(simulation)
    taken = []

    def take(progress):
        if progress.stage is Stage.CARRY and not taken:
            taken.append(simulation.remove("block"))

    outcome = sequence(simulation).run(PickGoal(max_attempts=2), report=take)
    assert outcome.code is Code.NO_GRASP
    assert outcome.held_s == 0.0
    assert math.isnan(outcome.force_n)


def test_a_weak_grip_in_the_air_is_kept(simulation):
    place(simulation)
    weak = []

    def weaken(progress):
        if progress.stage is Stage.HOLD and not weak:
            weak.append(simulation.grip(0.0, 10.0))

    outcome = sequence(simulation).run(PickGoal(max_attempts=3), report=weaken)
    assert outcome.code is Code.DROPPED, outcome.message
    assert outcome.holding
    assert outcome.attempts == 1
    assert simulation.truth()[0].between_fingers


def test_jaws_found_open_may_still_hold_something_as_wide(simulation):
    place(simulation)
    picks = sequence(simulation)
    stop = []
    cancelled = picks.run(
        PickGoal(),
        cancelled=lambda: bool(stop),
        report=lambda progress: stop.append(1) if progress.stage is Stage.HOLD else None,
    )
    assert cancelled.code is Code.CANCELLED
    assert cancelled.holding
    simulation.clear()
    place(simulation)
    outcome = picks.run(PickGoal())
    assert outcome.code is Code.OK, outcome.message
    assert outcome.stage_s[0][0] is Stage.PUT_AWAY


def test_after_a_cancel_between_neighbours_the_jaws_open_no_wider_than_before(simulation):
    place(simulation, yaw=0.0)
    for name, x in (("near", 0.435), ("far", 0.565)):
        place(simulation, name, size=(0.04, 0.06, 0.05), x=x, yaw=0.0)
    picks = sequence(simulation)
    stop = []

    def where():
        return {one.name: one.pose.translation for one in simulation.truth()}

    def cancel(progress):
        if progress.stage is Stage.VERIFY:
            stop.append(progress.grasp)

    cancelled = picks.run(PickGoal(), cancelled=lambda: bool(stop), report=cancel)
    assert cancelled.code is Code.CANCELLED
    before, after = where(), {}

    def note(progress):
        if progress.stage is Stage.OBSERVE and not after:
            after.update(where())

    outcome = picks.run(PickGoal(), report=note)
    assert outcome.code is Code.OK, outcome.message
    assert outcome.stage_s[0][0] is Stage.RETREAT
    for name, place_before in before.items():
        assert after[name] == pytest.approx(place_before, abs=0.002), name


def test_something_in_the_hand_at_the_start_is_said(simulation):
    place(simulation)
    stop = []
    sequence(simulation).run(
        PickGoal(),
        cancelled=lambda: bool(stop),
        report=lambda progress: stop.append(1) if progress.stage is Stage.HOLD else None,
    )
    picks = sequence(simulation)  # which remembers nothing
    for _ in range(2):
        outcome = picks.run(PickGoal())
        assert outcome.code is Code.HAND_NOT_EMPTY
        assert outcome.holding
        assert simulation.truth()[0].between_fingers
    assert attend_to(picks, outcome) == (True, False)
    assert not simulation.truth()[0].between_fingers
    simulation.clear()
    place(simulation)
    assert picks.run(PickGoal()).code is Code.OK


def test_the_jaws_are_checked_as_wide_as_they_are(simulation):
    place(simulation)
    picks = sequence(simulation)
    gaps = []
    planner = picks._station.robot.planner
    tell = planner.set_gap
    planner.set_gap = lambda gap_m: gaps.append(gap_m) or tell(gap_m)
    assert picks.run(PickGoal()).code is Code.OK
    assert gaps[-1] == ROBOT.gripper.max_gap_m
    assert min(gaps) < ROBOT.gripper.max_gap_m


def test_an_upside_down_camera_is_bad_calibration(simulation, monkeypatch):
    place(simulation)
    turned = Transform.from_rpy((math.pi, 0.0, 0.0)) @ simulation.T_base_camera
    look = SimCamera.look
    monkeypatch.setattr(
        SimCamera, "look", lambda *arguments: replace(look(*arguments), T_base_camera=turned)
    )
    outcome = sequence(simulation).run(PickGoal())
    assert outcome.code is Code.BAD_CALIBRATION
    assert outcome.attempts == 0


def test_a_fault_of_the_software_is_a_typed_result(simulation, monkeypatch):
    place(simulation)
    monkeypatch.setattr(SimCamera, "look", lambda *arguments: 1 / 0)
    outcome = sequence(simulation).run(PickGoal())
    assert outcome.code is Code.INTERNAL
    assert "ZeroDivisionError" in outcome.message


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_grasp_poses_are_true_to_two_millimetres(tilt_deg):
    errors = measure_pose_errors(ROBOT, tilt_deg, count=24, seed=5)
    assert np.percentile(errors.point_mm, 95) <= 2.0


def test_the_franka_hand_tells_its_width_alone_and_the_arm_what_hangs_in_it():
    robot = load_robot("panda", "franka_hand")
    simulation = Simulation(SimConfig(renderer="tiny", gripper="franka_hand"), robot)
    hand, arm = SimGripper(simulation), SimArm(simulation)
    start = simulation.time_s
    hand.start(0.0, 20.0)
    seen = [hand.state()]
    for _ in range(120):
        simulation.step()
        if hand.state().stamp_s > seen[-1].stamp_s:
            seen.append(hand.state())
    states = hand.states_since(start)
    assert [state.stamp_s for state in states] == [state.stamp_s for state in seen[1:]]
    assert np.isnan([state.effort_n for state in states]).all()
    stamps, gaps = (np.array([getattr(one, of) for one in states]) for of in ("stamp_s", "gap_m"))
    assert np.diff(stamps) == pytest.approx(np.full(len(stamps) - 1, 1.0 / 30.0))
    new = stamps[1:][np.diff(gaps) != 0.0]
    assert np.diff(new) == pytest.approx(np.full(len(new) - 1, 1.0 / 15.0))
    force_n, stamp_s = arm.external_force_n()
    assert stamp_s == simulation.time_s
    assert abs(force_n) < 4.0
    simulation.close()


def test_an_arm_that_estimates_no_wrench_says_so():
    robot = replace(ROBOT, arm=replace(ROBOT.arm, external_wrench_topic=""))
    simulation = Simulation(SimConfig(renderer="tiny"), robot)
    assert SimArm(simulation).external_force_n() is None
    simulation.close()


def test_a_hand_on_lines_picks_by_its_inputs_and_misses_by_them():
    robot = load_robot("panda", "pneumatic_hand")
    simulation = Simulation(SimConfig(renderer="tiny"), robot)
    detector = create_detector("antipodal", robot.gripper)
    picks = sequence_in(simulation, detector, robot)
    place(simulation)
    outcome = picks.run(PickGoal())
    assert outcome.code is Code.OK, outcome.message
    assert outcome.force_source in ("none", "payload")
    assert math.isnan(outcome.opening_m)
    assert in_bin(simulation) == ["block"]

    def vanish(progress):
        if progress.stage is Stage.APPROACH and "late" in simulation.world.objects:
            simulation.remove("late")

    place(simulation, "late")
    outcome = picks.run(PickGoal(), report=vanish)
    assert (outcome.code, outcome.holding) == (Code.EMPTY_GRIP, False), outcome.message
    simulation.close()


def test_grasps_go_where_the_believed_camera_sees_them(simulation):
    place(simulation)
    detector = create_detector("antipodal", ROBOT.gripper)
    shift = Transform.from_translation(0.03, -0.02, 0.0)
    believed = shift @ simulation.T_parent_camera
    seen = [
        SimCamera(simulation, detector, pose).look(0.0, "", lambda: None)
        for pose in (None, believed)
    ]
    moved = seen[1].T_base_camera.translation - seen[0].T_base_camera.translation
    assert moved == pytest.approx(shift.translation)
    assert seen[1].depth_m == pytest.approx(seen[0].depth_m, nan_ok=True)


def test_a_camera_on_the_hand_picks_from_where_it_looks():
    simulation = Simulation(SimConfig(renderer="tiny", camera_mount="hand"), ROBOT)
    try:
        place(simulation, x=0.55, y=-0.1)
        robot = ROBOT.for_camera("hand")
        detector = create_detector("antipodal", robot.gripper)
        outcome = sequence_in(simulation, detector, robot).run(PickGoal())
        assert outcome.code is Code.OK, outcome.message
        assert in_bin(simulation) == ["block"]
        ends = simulation.arm_state()[0]
        assert ends == pytest.approx(np.array(ROBOT.arm.look), abs=0.02)
    finally:
        simulation.close()


@pytest.mark.parametrize("name", robot_names())
def test_from_its_look_a_robot_sees_its_whole_workspace(name):
    robot = load_robot(name)
    cell = load_cell(robot.arm.cell)
    T_base_tcp = Kinematics(robot).forward(np.array(robot.arm.look))
    T_base_camera = T_base_tcp @ hand_camera_pose(SimConfig())
    (x0, y0, _), (x1, y1, _) = cell.workspace_min, cell.workspace_max
    corners = [(x, y, cell.support_z_m) for x in (x0, x1) for y in (y0, y1)]
    camera = intrinsics(SimConfig())
    pixels = camera.project(T_base_camera.inverse().apply(np.array(corners)))
    assert np.all(pixels >= 0.0)
    assert np.all(pixels <= (camera.width - 1, camera.height - 1))
