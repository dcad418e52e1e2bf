"""The embedded planner against an independent collision check built on Pinocchio and coal."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation

pytest.importorskip("roboplan.core")
coal = pytest.importorskip("coal")
pin = pytest.importorskip("pinocchio")

from grasp_core.errors import Collision, ConfigError, PlanningFailed, Unreachable  # noqa: E402
from grasp_core.robot import RobotModel, load_robot  # noqa: E402
from grasp_core.transform import Transform  # noqa: E402
from grasp_executor.planning.config import PlannerConfig  # noqa: E402
from grasp_executor.planning.embedded import EmbeddedPlanner  # noqa: E402
from grasp_executor.scene import ATTACHED, Box, CollisionScene  # noqa: E402

CONTACTS = (("panda_link0", "table"), ("panda_link1", "table"))
PADDING_M = PlannerConfig().padding_m


def box(name, size, centre, *, padded=True, rotation=None):
    pose = Transform.from_rotation(np.eye(3) if rotation is None else rotation, centre)
    return Box(name, size, pose, padded)


TABLE = box("table", (1.4, 1.6, 0.1), (0.4, 0.0, -0.05))
BIN = (
    box("wall_left", (0.4, 0.01, 0.1), (0.5, 0.28, 0.05)),
    box("wall_right", (0.4, 0.01, 0.1), (0.5, -0.28, 0.05)),
    box("wall_near", (0.01, 0.56, 0.1), (0.3, 0.0, 0.05)),
    box("wall_far", (0.01, 0.56, 0.1), (0.7, 0.0, 0.05)),
)
CAMERA = box("camera", (0.1, 0.1, 0.05), (0.5, 0.0, 0.75))
CELL = CollisionScene((TABLE, *BIN, CAMERA), CONTACTS)


def top_down(x, y, z, yaw=0.0):
    turn = Rotation.from_euler("z", yaw) * Rotation.from_euler("x", np.pi)
    return Transform.from_rotation(turn.as_matrix(), (x, y, z))


def random_poses(count, seed, low=0.02):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield top_down(
            rng.uniform(0.3, 0.7),
            rng.uniform(-0.25, 0.25),
            rng.uniform(low, 0.3),
            rng.uniform(-np.pi, np.pi),
        )


class Witness:
    """Collision check of its own: Pinocchio's robot geometry and coal's boxes."""

    def __init__(self, robot: RobotModel, scene: CollisionScene, padding_m: float):
        self.model = pin.buildModelFromXML(robot.urdf)
        self.data = self.model.createData()
        geometry = pin.buildGeomFromUrdfString(self.model, robot.urdf, pin.COLLISION)
        geometry_data = geometry.createData()
        self.geometry, self.geometry_data = geometry, geometry_data
        self.links = [self.model.frames[g.parentFrame].name for g in geometry.geometryObjects]
        self.allowed = {frozenset(p.split()) for p in robot.arm.allowed_contacts}
        self.contacts = {frozenset(pair) for pair in scene.contacts}
        self.boxes = [
            (
                b.name,
                coal.Box(*(np.array(b.size_m) + 2.0 * padding_m * b.padded)),
                coal.Transform3s(b.pose.rotation, b.pose.translation),
            )
            for b in scene.boxes
        ]

    def place(self, joints, gap_m=0.08):
        q = np.concatenate([joints, [0.5 * gap_m, 0.5 * gap_m]])
        pin.forwardKinematics(self.model, self.data, q)
        pin.updateGeometryPlacements(self.model, self.data, self.geometry, self.geometry_data, q)

    def hits(self, joints):
        self.place(joints)
        found = set()
        shapes = [g.geometry for g in self.geometry.geometryObjects]
        poses = [coal.Transform3s(m.rotation, m.translation) for m in self.geometry_data.oMg]
        request = coal.CollisionRequest()
        for i, link in enumerate(self.links):
            others = [
                (self.links[j], shapes[j], poses[j])
                for j in range(i)
                if frozenset((link, self.links[j])) not in self.allowed and link != self.links[j]
            ]
            walls = [
                b
                for b in self.boxes
                if frozenset((link, b[0])) not in self.contacts and link != "panda_link0"
            ]
            for name, shape, pose in others + walls:
                result = coal.CollisionResult()
                if coal.collide(shapes[i], poses[i], shape, pose, request, result):
                    found.add((link, name))
        return found


@pytest.fixture(scope="module")
def robot():
    return load_robot("panda")


@pytest.fixture(scope="module")
def shared(robot):
    return EmbeddedPlanner(robot)


@pytest.fixture
def planner(shared, robot):
    shared.attach(None)
    shared.set_scene(CollisionScene((TABLE,), CONTACTS))
    shared.set_gap(robot.gripper.max_gap_m)
    return shared


@pytest.fixture
def observe(robot):
    return np.array(robot.arm.observe)


def best(planner, pose, near):
    return planner.solve_ik(pose, near)[0]


def check_limits(robot, trajectory, speed=1.0):
    """Velocities and accelerations of the cubic interpolation, on a fine grid."""
    config = PlannerConfig()
    velocity = np.array(robot.arm.velocity) * config.velocity_scale * speed
    acceleration = np.array(robot.arm.acceleration) * config.acceleration_scale * speed
    spline = CubicHermiteSpline(
        trajectory.times_s, trajectory.positions, trajectory.velocities, axis=0
    )
    times = np.linspace(0.0, trajectory.duration_s, 2000)
    assert (np.abs(spline(times, 1)) <= velocity * 1.001).all()
    assert (np.abs(spline(times, 2)) <= acceleration * 1.001).all()
    assert (np.abs(trajectory.accelerations) <= acceleration * 1.01).all()
    assert (trajectory.velocities[[0, -1]] == 0.0).all()
    assert (np.diff(trajectory.times_s) > 0.0).all()
    assert trajectory.times_s[0] == 0.0


# Forward and inverse kinematics


def test_forward_is_the_data_sheets(planner):
    # Denavit-Hartenberg parameters of the Panda at zero: a = 0.088, d1 + d3 + d5 = 1.033, the
    # flange 0.107 and the grasp frame 0.1034 below; the hand is turned by -45 degrees.
    T = planner.forward(np.zeros(7))
    np.testing.assert_allclose(T.translation, [0.088, 0.0, 1.033 - 0.107 - 0.1034], atol=1e-9)
    turn = Rotation.from_euler("x", np.pi) * Rotation.from_euler("z", -np.pi / 4)
    np.testing.assert_allclose(T.rotation, turn.as_matrix(), atol=1e-9)


def test_top_down_poses_are_all_solved(robot, planner, observe):
    planner.set_scene(CollisionScene())
    lower, upper = robot.limits()
    for pose in random_poses(100, seed=1):
        solutions = planner.solve_ik(pose, observe)
        weights = np.linspace(1.0, 0.4, 7)
        distances = [np.linalg.norm(weights * (q - observe)) for q in solutions]
        assert distances == sorted(distances)
        for index, q in enumerate(solutions):
            offset, angle = planner.forward(q).distance_to(pose)
            assert offset < 1e-4
            assert angle < 1e-3
            assert (q > lower).all()
            assert (q < upper).all()
            assert all(np.abs(q - other).max() > 0.05 for other in solutions[:index])


def test_out_of_reach_is_unreachable(planner, observe):
    with pytest.raises(Unreachable, match=r"1\.200"):
        planner.solve_ik(top_down(1.2, 0.0, 0.2), observe)


def test_blocked_pose_names_what_collides(planner, observe):
    with pytest.raises(Collision, match="table"):
        planner.solve_ik(top_down(0.5, 0.0, -0.01), observe)


def test_observe_is_free_over_a_table_at_the_base(planner, observe):
    trajectory = planner.plan_joints(observe, observe)
    np.testing.assert_array_equal(trajectory.goal, observe)
    assert trajectory.duration_s > 0.0


# The profile


def test_pairs_that_can_collide_are_checked(robot):
    """Folded back on itself, the arm hits its base and its upper arm."""
    witness = Witness(robot, CollisionScene(), 0.0)
    rng = np.random.default_rng(3)
    lower, upper = robot.limits()
    planner = EmbeddedPlanner(robot)
    seen = set()
    for q in rng.uniform(lower, upper, size=(400, 7)):
        hits = witness.hits(q)
        assert planner._clearance.padded.collides(q) == bool(hits)
        assert set(planner._clearance.padded.touching(q)) == {(b, a) for a, b in hits} or not hits
        seen |= {frozenset(pair) for pair in hits}
    assert frozenset(("panda_hand", "panda_link5")) in seen
    assert frozenset(("panda_link5", "panda_link0")) in seen


# Joint-space paths


def test_plans_in_a_bin_are_free_by_another_check(robot, planner, observe):
    planner.set_scene(CELL)
    witness = Witness(robot, CELL, PADDING_M - 1e-6)
    rng = np.random.default_rng(5)
    here = observe
    for _ in range(6):
        pose = top_down(
            rng.uniform(0.4, 0.6), rng.uniform(-0.12, 0.12), 0.05, rng.uniform(-1.5, 1.5)
        )
        goal = best(planner, pose, here)
        trajectory = planner.plan_joints(here, goal)
        np.testing.assert_array_equal(trajectory.positions[0], here)
        np.testing.assert_array_equal(trajectory.goal, goal)
        check_limits(robot, trajectory)
        for q in trajectory.positions[::3]:
            assert witness.hits(q) == set()
        here = goal


def around_a_wall(planner, observe):
    """Start and goal low on both sides of a high wall."""
    wall = box("wall", (0.5, 0.02, 0.5), (0.5, 0.0, 0.25))
    scene = CollisionScene((TABLE, wall), CONTACTS)
    planner.set_scene(scene)
    start = best(planner, top_down(0.5, 0.25, 0.1), observe)
    goal = best(planner, top_down(0.5, -0.25, 0.1), start)
    return scene, start, goal


def test_path_around_a_wall(robot, planner, observe):
    scene, start, goal = around_a_wall(planner, observe)
    trajectory = planner.plan_joints(start, goal)
    witness = Witness(robot, scene, PADDING_M - 1e-6)
    check_limits(robot, trajectory)
    assert all(witness.hits(q) == set() for q in trajectory.positions[::3])
    assert any(witness.hits(q) for q in np.linspace(start, goal, 50))


def test_graze_between_search_steps_is_planned_around(robot, planner):
    """The straight way touches a box's padding for less than a step: found only after timing."""
    start = np.array([-1.007079, 0.648915, 1.109053, -2.275684, -0.89652, 2.376496, -2.819214])
    goal = np.array([-1.243492, 0.553503, 0.926082, -2.007814, -0.583058, 2.273479, -2.395245])
    block = box("block", (0.047811, 0.032674, 0.106547), (0.508303, 0.066581, 0.053274))
    scene = CollisionScene((TABLE, block), CONTACTS)
    planner.set_scene(scene)
    assert planner._clearance.padded.segment_free(start, goal, PlannerConfig().collision_step_rad)
    assert planner._timed_if_free(np.stack([start, goal]), 1.0, False) is None
    trajectory = planner.plan_joints(start, goal)
    witness = Witness(robot, scene, PADDING_M - 1e-6)
    assert all(witness.hits(q) == set() for q in trajectory.positions)


def test_same_inputs_same_outputs(robot, planner, observe):
    _, start, goal = around_a_wall(planner, observe)
    first = planner.plan_joints(start, goal)
    _, start_again, goal_again = around_a_wall(EmbeddedPlanner(robot), observe)
    np.testing.assert_array_equal(start, start_again)
    np.testing.assert_array_equal(goal, goal_again)
    again = planner.plan_joints(start, goal)
    np.testing.assert_array_equal(first.positions, again.positions)


def test_speed_scales_velocities_and_accelerations(robot, planner, observe):
    goal = best(planner, top_down(0.5, 0.2, 0.2), observe)
    fast, slow = (planner.plan_joints(observe, goal, speed=s) for s in (1.0, 0.25))
    check_limits(robot, slow, speed=0.25)
    assert slow.duration_s > 2.0 * fast.duration_s
    with pytest.raises(ConfigError):
        planner.plan_joints(observe, goal, speed=0.0)


def test_no_way_through_fails_in_time(robot, observe):
    """Plates higher than the arm part the room."""
    planner = EmbeddedPlanner(robot, PlannerConfig(max_planning_time_s=0.3))
    plates = tuple(
        box(name, (1.2, 0.02, 2.0), (x, 0.0, 1.0)) for name, x in (("front", 0.7), ("back", -0.7))
    )
    planner.set_scene(CollisionScene(plates))
    start = best(planner, top_down(0.3, 0.4, 0.3), observe)
    goal = best(planner, top_down(0.3, -0.4, 0.3), observe)
    began = time.monotonic()
    with pytest.raises(PlanningFailed, match="max_planning_time_s"):
        planner.plan_joints(start, goal)
    assert time.monotonic() - began < 1.0


def test_goal_in_collision_is_named(planner, observe):
    goal = best(planner, top_down(0.5, 0.0, 0.1), observe)
    planner.set_scene(CollisionScene((box("post", (0.1, 0.1, 0.3), (0.5, 0.0, 0.15)),)))
    with pytest.raises(Collision, match=r"post.*goal"):
        planner.plan_joints(observe, goal)
    with pytest.raises(Collision, match=r"post.*start"):
        planner.plan_joints(goal, observe)


def test_joints_outside_limits_are_named(planner, observe):
    goal = observe.copy()
    goal[3] = 0.5
    with pytest.raises(PlanningFailed, match="panda_joint4"):
        planner.plan_joints(observe, goal)
    with pytest.raises(ConfigError, match="7 finite"):
        planner.plan_joints(observe[:6], goal)


# Padding and leaving it


def fingertip_over_box(planner, observe, clearance_m, **kwargs):
    """Configuration with the fingertips over a box, which is then put into the scene."""
    pose = top_down(0.5, 0.0, 0.2)
    joints = best(planner, pose, observe)
    # The pads end 0.1034 - 0.0584 - 0.045 = 0 m from the grasp frame: at its height.
    top = 0.2 - clearance_m
    block = box("block", (0.2, 0.2, top), (0.5, 0.0, 0.5 * top), **kwargs)
    planner.set_scene(CollisionScene((TABLE, block), CONTACTS))
    return pose, joints


@pytest.mark.parametrize(("clearance_m", "free"), [(0.004, False), (0.006, True)])
def test_padding_is_five_millimetres(planner, observe, clearance_m, free):
    pose, joints = fingertip_over_box(planner, observe, clearance_m)
    if free:
        assert planner.solve_ik(pose, joints)
    else:
        with pytest.raises(Collision, match="block"):
            planner.solve_ik(pose, joints)


def test_unpadded_box_may_be_close(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, 0.001, padded=False)
    assert planner.solve_ik(pose, joints)


def test_contacts_may_touch(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, -0.005)
    scene = planner._clearance._scene
    fingers = (("panda_leftfinger", "block"), ("panda_rightfinger", "block"))
    planner.set_scene(CollisionScene(scene.boxes, (*scene.contacts, *fingers)))
    assert planner.solve_ik(pose, joints)


@pytest.mark.parametrize("clearance_m", [0.003, 0.0, -0.001])
def test_start_in_the_padding_may_leave(planner, observe, clearance_m):
    pose, joints = fingertip_over_box(planner, observe, clearance_m)
    lift = planner.plan_line(joints, Transform.from_translation(0.0, 0.0, 0.1) @ pose, 0.2)
    away = planner.plan_joints(joints, observe)
    for trajectory in (lift, away):
        collides = [planner._clearance.padded.collides(q) for q in trajectory.positions]
        assert collides[0]
        clear = collides.index(False)
        assert not any(collides[clear:])
        travelled = planner.forward(trajectory.positions[clear]).distance_to(pose)[0]
        assert travelled < PlannerConfig().leave_distance_m


def test_start_deep_in_a_box_is_refused(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, -0.005)
    with pytest.raises(Collision, match="block"):
        planner.plan_joints(joints, observe)
    with pytest.raises(Collision, match="block"):
        planner.plan_line(joints, Transform.from_translation(0.0, 0.0, 0.1) @ pose, 0.2)


def test_leaving_does_not_go_deeper(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, 0.001)
    with pytest.raises(Collision, match="block"):
        planner.plan_line(joints, Transform.from_translation(0.0, 0.0, -0.02) @ pose, 0.2)


# Straight lines


def test_line_is_straight_and_slow_enough(robot, planner, observe):
    start = best(planner, top_down(0.5, 0.1, 0.25, 0.3), observe)
    T_start = planner.forward(start)
    goal = top_down(0.5, 0.1, 0.05, 0.3)
    trajectory = planner.plan_line(start, goal, 0.15)
    check_limits(robot, trajectory)
    offset, angle = planner.forward(trajectory.goal).distance_to(goal)
    assert offset < 1e-4
    assert angle < 1e-3
    poses = [planner.forward(q) for q in trajectory.positions]
    for T in poses:
        assert np.abs(T.translation[:2] - T_start.translation[:2]).max() < 5e-4
        assert T.distance_to(T_start)[1] < 1e-3
    heights = np.array([T.translation[2] for T in poses])
    speeds = np.abs(np.diff(heights) / np.diff(trajectory.times_s))
    assert speeds.max() < 0.15 * 1.01
    assert speeds.max() > 0.15 * 0.95
    assert (np.diff(heights) < 1e-6).all()


def test_line_turns_evenly(planner, observe):
    start = best(planner, top_down(0.5, 0.0, 0.25), observe)
    T_start = planner.forward(start)
    goal = top_down(0.55, 0.1, 0.2, 0.6)
    for q in planner.plan_line(start, goal, 0.1).positions:
        T = planner.forward(q)
        share = T_start.distance_to(T)[0] / T_start.distance_to(goal)[0]
        turned = T_start.distance_to(T)[1] / T_start.distance_to(goal)[1]
        assert turned == pytest.approx(share, abs=2e-3)


def test_turn_on_the_spot(planner, observe):
    start = best(planner, top_down(0.5, 0.0, 0.25), observe)
    trajectory = planner.plan_line(start, top_down(0.5, 0.0, 0.25, 0.5), 0.1)
    assert trajectory.duration_s > 0.1 * 0.5 / 0.1
    for q in trajectory.positions:
        np.testing.assert_allclose(planner.forward(q).translation, [0.5, 0.0, 0.25], atol=1e-4)


def test_line_beyond_reach(planner, observe):
    start = best(planner, top_down(0.6, 0.0, 0.3), observe)
    with pytest.raises(Unreachable, match="mm"):
        planner.plan_line(start, top_down(1.0, 0.0, 0.3), 0.1)


def test_line_refuses_joint_jumps(robot, observe):
    planner = EmbeddedPlanner(robot, PlannerConfig(max_joint_jump_rad=0.005))
    start = best(planner, top_down(0.5, 0.0, 0.3), observe)
    with pytest.raises(Unreachable, match="singularity"):
        planner.plan_line(start, top_down(0.5, 0.0, 0.2), 0.1)


def test_line_into_a_wall_names_it(planner, observe):
    start = best(planner, top_down(0.5, 0.2, 0.1), observe)
    wall = box("wall", (0.3, 0.02, 0.1), (0.5, 0.0, 0.05))
    planner.set_scene(CollisionScene((TABLE, wall), CONTACTS))
    with pytest.raises(Collision, match=r"finger.*wall.*mm"):
        planner.plan_line(start, top_down(0.5, -0.2, 0.1), 0.1)


# The carried box


@pytest.mark.parametrize(("gap_to_wall_m", "free"), [(0.005, True), (-0.005, False)])
def test_carried_box_is_where_it_is_held(planner, observe, gap_to_wall_m, free):
    """A wall 5 mm outside or inside the carried box, on each of its sides in turn."""
    joints = best(planner, top_down(0.5, 0.0, 0.4, 0.4), observe)
    T_base_tcp = planner.forward(joints)
    carried = Box("object", (0.03, 0.05, 0.08), Transform.from_translation(0.0, 0.01, 0.06))
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1)):
        centre = np.array([0.0, 0.01, 0.08])
        shift = 0.5 * carried.size_m[axis] + gap_to_wall_m + 0.005
        centre[axis] = carried.pose.translation[axis] + sign * shift
        size = [0.04, 0.04, 0.02]
        size[axis] = 0.01
        pose = T_base_tcp @ Transform.from_translation(*centre)
        wall = Box("wall", tuple(size), pose, padded=False)
        planner.attach(None)
        planner.set_scene(CollisionScene((wall,)))
        assert not planner._clearance.padded.collides(joints)
        planner.attach(carried)
        assert planner._clearance.padded.collides(joints) != free
        if not free:
            assert planner._clearance.padded.touching(joints) == [(ATTACHED, "wall")]


def test_carried_box_may_stand_on_its_table_while_lifted(planner, observe):
    pose = top_down(0.5, 0.0, 0.03)
    joints = best(planner, pose, observe)
    planner.attach(Box("object", (0.03, 0.03, 0.07), Transform.identity()))  # 5 mm in the table
    up = Transform.from_translation(0.0, 0.0, 0.02) @ pose
    with pytest.raises(Collision, match="attached touches table"):
        planner.plan_line(joints, up, 0.1)
    planner.set_scene(CollisionScene((TABLE,), (*CONTACTS, (ATTACHED, "table"))))
    lift = planner.plan_line(joints, up, 0.1)
    planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    assert planner.plan_joints(lift.goal, observe).duration_s > 0.0


def test_carried_box_is_kept_off_the_arm(planner, observe):
    planner.attach(Box("beam", (0.8, 0.02, 0.02), Transform.identity()))
    with pytest.raises(Collision, match="attached"):
        planner.solve_ik(top_down(0.3, 0.0, 0.02), observe)
    planner.attach(None)
    assert planner.solve_ik(top_down(0.3, 0.0, 0.02), observe)


def test_gap_moves_the_fingers(planner, observe):
    pose = top_down(0.5, 0.0, 0.2)
    joints = best(planner, pose, observe)
    side = pose.apply([0.0, 0.045, -0.01])
    post = box("post", (0.005, 0.005, 0.01), side, padded=False)
    planner.set_scene(CollisionScene((post,)))
    assert planner._clearance.padded.touching(joints) == [("panda_leftfinger", "post")]
    planner.set_gap(0.02)
    assert not planner._clearance.padded.collides(joints)


# The scene


def test_boxes_may_overlap_each_other(planner, observe):
    blocks = tuple(box(f"b{i}", (0.1, 0.1, 0.1), (0.5, 0.01 * i, 0.05)) for i in range(5))
    planner.set_scene(CollisionScene((TABLE, *blocks), CONTACTS))
    assert planner.plan_joints(observe, observe + 0.01).duration_s > 0.0


def test_rotated_box_is_rotated(robot, planner, observe):
    rng = np.random.default_rng(2)
    turned = [
        box(f"b{i}", (0.3, 0.02, 0.05), rng.uniform((0.3, -0.3, 0), (0.6, 0.3, 0.5)), rotation=r)
        for i, r in enumerate(Rotation.random(6, rng=rng).as_matrix())
    ]
    scene = CollisionScene(tuple(turned))
    planner.set_scene(scene)
    witness = Witness(robot, scene, PADDING_M)
    lower, upper = robot.limits()
    for q in rng.uniform(lower, upper, size=(150, 7)):
        assert planner._clearance.padded.collides(q) == bool(witness.hits(q))


def test_wrong_scenes_are_refused_and_change_nothing(planner, observe):
    before = planner._clearance.padded
    for boxes, contacts, match in (
        ((TABLE, TABLE), (), "table"),
        ((TABLE,), (("panda_link0", "tabel"),), "tabel"),
        ((TABLE,), (("panda_foot", "table"),), "panda_foot"),
        ((box("flat", (0.1, 0.1, 0.0), (0.5, 0, 0)),), (), "flat"),
    ):
        with pytest.raises(ConfigError, match=match):
            planner.set_scene(CollisionScene(boxes, contacts))
    assert planner._clearance.padded is before


def test_threads_do_not_disturb_each_other(robot, observe):
    planner = EmbeddedPlanner(robot)
    goal = best(planner, top_down(0.5, 0.2, 0.2), observe)
    expected = planner.plan_joints(observe, goal).positions
    failures = []

    def change():
        for index in range(10):
            far = box("far", (0.1, 0.1, 0.1), (3.0, 0.1 * index, 0.0))
            planner.set_scene(CollisionScene((far,)))

    def plan():
        for _ in range(10):
            if not np.array_equal(planner.plan_joints(observe, goal).positions, expected):
                failures.append("differs")

    threads = [threading.Thread(target=work) for work in (change, plan, plan)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20.0)
        assert not thread.is_alive()
    assert failures == []


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [("roboplan", "roboplan-rrt"), ("pinocchio", "install pin "), ("toppra", "install toppra")],
)
def test_missing_library_says_what_to_install(missing, remedy):
    code = f"import sys; sys.modules[{missing!r}] = None; import grasp_executor.planning.embedded"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "MissingDependency" in done.stderr.splitlines()[-1]
    assert remedy in done.stderr.splitlines()[-1]
