"""The limit of the links' speed, against an independent kinematics and by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointTrajectory
from grasp_executor.link_motion import LinkMotion, LinkSpeedLimit
from grasp_executor.scene import Box

pin = pytest.importorskip("pinocchio")

STRETCHED = np.array([0.0, 1.2, 0.0, -0.6, 0.0, 1.8, 0.8])


def turning(start, velocity, duration_s=1.0):
    """From rest to rest, all joints at once; the middle is fastest, and only there."""
    t = np.linspace(0.0, duration_s, 21)
    share, turn = np.subtract(*np.broadcast_arrays(velocity, 0.0)), np.pi / duration_s
    way = share / (0.5 * turn)
    return JointTrajectory(
        tuple(f"panda_joint{n}" for n in range(1, 8)),
        t,
        start + np.outer(0.5 * (1.0 - np.cos(turn * t)), way),
        np.outer(0.5 * turn * np.sin(turn * t), way),
        np.outer(0.5 * turn**2 * np.cos(turn * t), way),
    )


def fastest_seen(robot, trajectory, held=None):
    """Speed of the fastest corner of any mesh: Pinocchio's kinematics, by way over time."""
    model = pin.buildModelFromXML(robot.urdf)
    data, points = model.createData(), {}
    geometry = pin.buildGeomFromUrdfString(model, robot.urdf, pin.COLLISION)
    for shape in geometry.geometryObjects:
        if hasattr(shape.geometry, "vertices"):
            corners = np.asarray(shape.geometry.vertices())
            points.setdefault(shape.parentJoint, []).append(
                shape.placement.rotation @ corners.T + shape.placement.translation[:, None]
            )
    if held is not None:
        tcp = model.frames[model.getFrameId(robot.arm.tcp_frame)]
        tip = np.array(held.size_m)[:, None] / 2.0
        placed = held.pose.rotation @ tip + held.pose.translation[:, None]
        placed = tcp.placement.rotation @ placed + tcp.placement.translation[:, None]
        points.setdefault(tcp.parentJoint, []).append(placed)
    joined = {joint: np.concatenate(parts, axis=1) for joint, parts in points.items()}

    def places(q):
        full = np.zeros(model.nq)
        full[:7] = q
        pin.forwardKinematics(model, data, full)
        moved = [
            data.oMi[j].rotation @ p + data.oMi[j].translation[:, None] for j, p in joined.items()
        ]
        return np.concatenate(moved, axis=1)

    t = np.linspace(0.0, trajectory.duration_s, 400)
    path = np.stack([np.interp(t, trajectory.times_s, q) for q in trajectory.positions.T], axis=1)
    ways = [
        np.linalg.norm(places(b) - places(a), axis=0).max() for a, b in itertools.pairwise(path)
    ]
    return max(ways) / (t[1] - t[0])


def test_the_links_are_where_another_kinematics_has_them(robot):
    model = pin.buildModelFromXML(robot.urdf)
    data = model.createData()
    rng = np.random.default_rng(3)
    lower, upper = robot.limits()
    joints = rng.uniform(lower, upper, (5, 7))
    poses = LinkMotion(robot).poses(joints)
    for index, q in enumerate(joints):
        full = np.zeros(model.nq)
        full[:7] = q
        full[7:] = 0.04  # the fingers, wide open
        pin.framesForwardKinematics(model, data, full)
        for link, T in poses.items():
            expected = data.oMf[model.getFrameId(link)].homogeneous
            assert T[index] == pytest.approx(expected, abs=1e-9), link


def test_the_fastest_point_of_a_turning_base_is_the_farthest_from_its_axis(robot):
    velocity = np.array([1.0, 0, 0, 0, 0, 0, 0])
    motion = LinkMotion(robot)
    fastest = motion.fastest_m_s(turning(STRETCHED, velocity))
    poses = motion.poses(STRETCHED[None])
    radius = np.hypot(*poses["panda_hand_tcp"][0, :2, 3])
    assert radius < fastest < radius + 0.15  # the corner of a finger or of the hand


def test_no_point_of_any_link_is_faster_than_allowed(robot):
    velocity = np.array([0.9, -0.7, 0.5, 1.1, -1.3, 1.5, 2.0])
    fast = turning(STRETCHED, velocity)
    slow = LinkSpeedLimit(robot, 0.25).slowed(fast)
    assert fastest_seen(robot, fast) > 1.0
    seen = fastest_seen(robot, slow)
    assert 0.2 < seen <= 0.25  # no slower than it must be
    assert slow.positions is fast.positions
    stretch = slow.duration_s / fast.duration_s
    assert slow.velocities * stretch == pytest.approx(fast.velocities)
    assert slow.accelerations * stretch**2 == pytest.approx(fast.accelerations)


def test_an_elbow_counts_as_much_as_the_hand(robot):
    """The hand stays where it is while the elbow swings."""
    start = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8])
    kinematics = pytest.importorskip("grasp_executor.planning.kinematics").Kinematics(robot)
    model, data = pin.buildModelFromXML(robot.urdf), None
    data = model.createData()
    full = np.zeros(model.nq)
    full[:7] = start
    frame = model.getFrameId(robot.arm.tcp_frame)
    jacobian = pin.computeFrameJacobian(model, data, full, frame)[:, :7]
    swing = np.linalg.svd(jacobian)[2][-1]
    still = turning(start, swing * 2.0, 0.04)
    hand = [kinematics.forward(q).translation for q in still.positions]
    assert np.ptp(hand, axis=0).max() < 2e-3
    assert fastest_seen(robot, still) > 0.1
    slow = LinkSpeedLimit(robot, 0.05).slowed(still)
    assert fastest_seen(robot, slow) <= 0.05


def test_what_is_held_counts_too(robot):
    held = Box("carried", (0.02, 0.02, 0.6), Transform.from_translation(0.0, 0.0, 0.3))
    wrist = turning(STRETCHED, np.array([0, 0, 0, 0, 0, 1.0, 0]))
    limit = LinkSpeedLimit(robot, 0.25)
    alone, loaded = limit.slowed(wrist), limit.slowed(wrist, held)
    assert loaded.duration_s > 1.5 * alone.duration_s
    assert fastest_seen(robot, alone, held) > 0.25
    assert fastest_seen(robot, loaded, held) <= 0.25


def test_coarse_trajectories_are_looked_at_between_their_points(robot):
    """Two points from rest to rest: neither moves, and the arm does in between."""
    goal = STRETCHED + np.array([1.0, 0, 0, 0, 0, 0, 0])
    rest = np.zeros((2, 7))
    coarse = JointTrajectory(
        robot.arm.joints, np.array([0.0, 0.5]), np.stack([STRETCHED, goal]), rest, rest
    )
    radius = np.hypot(*LinkMotion(robot).poses(STRETCHED[None])["panda_hand_tcp"][0, :2, 3])
    assert LinkMotion(robot).fastest_m_s(coarse) > 1.5 * radius / 0.5


def test_slow_trajectories_stay_as_they_are(robot):
    slow = turning(STRETCHED, np.array([0.01, 0, 0, 0, 0, 0, 0]))
    assert LinkSpeedLimit(robot, 0.25).slowed(slow) is slow


SHAPES = """<robot name="r"><link name="panda_link0"/><link name="tip"><collision>
<origin xyz="0 0 1" rpy="0 1.5707963 0"/><geometry>{shape}</geometry></collision></link>
<joint name="panda_joint1" type="{kind}"><parent link="panda_link0"/><child link="tip"/>
<axis xyz="0 1 0"/></joint></robot>"""


@pytest.mark.parametrize(
    ("shape", "reach_m"),
    [
        ('<box size="2 0.2 0.2"/>', math.hypot(2.0, 0.1)),  # its length hangs along z
        ('<sphere radius="0.5"/>', math.hypot(1.5, 0.5)),
        ('<cylinder radius="0.1" length="2"/>', math.hypot(1.1, 1.0)),
    ],
)
def test_shapes_reach_as_far_as_their_boxes(robot, shape, reach_m):
    arm = replace(
        robot.arm,
        **dict.fromkeys(("lower", "upper", "velocity", "acceleration", "observe"), (1.0,)),
        joints=("panda_joint1",),
        look=(),
        tcp_frame="tip",
    )
    one = replace(robot, arm=arm, urdf=SHAPES.format(shape=shape, kind="revolute"))
    t = np.array([0.0, 1.0])
    path = JointTrajectory(("panda_joint1",), t, t[:, None], np.ones((2, 1)), np.zeros((2, 1)))
    assert LinkMotion(one).fastest_m_s(path) == pytest.approx(reach_m, rel=1e-6)
    sliding = replace(one, urdf=SHAPES.format(shape=shape, kind="prismatic"))
    assert LinkMotion(sliding).fastest_m_s(path) == pytest.approx(1.0)


def test_an_unknown_shape_is_refused(robot):
    with pytest.raises(ConfigError, match="link tip has the collision shape 'capsule', must be"):
        LinkMotion(replace(robot, urdf=SHAPES.format(shape="<capsule/>", kind="fixed")))
