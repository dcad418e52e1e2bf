from __future__ import annotations

import math

import numpy as np
import pytest

from grasp_core.robot import RobotModel
from grasp_sim.trajectory import ErrorCode, InvalidTrajectory, Trajectory, check_trajectory

HOME = np.array([0.0, -1.2, 0.0, -2.6, 0.0, 1.4, 0.785398])


def goal(**changes: object) -> dict:
    end = (HOME + 0.1).tolist()
    fields: dict = {
        "joints": [f"panda_joint{i}" for i in range(1, 8)],
        "times_s": [0.0, 1.0],
        "positions": [HOME.tolist(), end],
        "velocities": [[0.0] * 7, [0.0] * 7],
        "accelerations": [],
    }
    return {**fields, **changes}


def check(robot: RobotModel, fields: dict) -> Trajectory:
    return check_trajectory(robot.arm, **fields, current=HOME, start_tolerance_rad=0.1)


def altered(row: int, joint: int, value: float) -> list[list[float]]:
    rows = [HOME.tolist(), (HOME + 0.1).tolist()]
    rows[row][joint] = value
    return rows


REFUSED = {
    "no points": ({"times_s": [], "positions": []}, ErrorCode.INVALID_GOAL, "no points"),
    "wrong joint": ({"joints": ["a"] * 7}, ErrorCode.INVALID_JOINTS, "panda_joint1"),
    "missing joint": (
        {"joints": [f"panda_joint{i}" for i in range(1, 7)]},
        ErrorCode.INVALID_JOINTS,
        "must be",
    ),
    "no joints": ({"joints": []}, ErrorCode.INVALID_JOINTS, "none"),
    "nan": ({"positions": altered(1, 2, math.nan)}, ErrorCode.INVALID_GOAL, "not finite"),
    "inf speed": (
        {"velocities": [[math.inf] * 7, [0.0] * 7]},
        ErrorCode.INVALID_GOAL,
        "not finite",
    ),
    "over limit": (
        {"positions": altered(1, 3, 0.2)},
        ErrorCode.INVALID_GOAL,
        "panda_joint4 is 0.2000 rad at point 1",
    ),
    "times fall": ({"times_s": [1.0, 0.5]}, ErrorCode.INVALID_GOAL, "strictly increasing"),
    "times stand": ({"times_s": [0.5, 0.5]}, ErrorCode.INVALID_GOAL, "strictly increasing"),
    "negative time": ({"times_s": [-0.1, 1.0]}, ErrorCode.INVALID_GOAL, "not negative"),
    "nan time": ({"times_s": [0.0, math.nan]}, ErrorCode.INVALID_GOAL, "finite"),
    "short row": (
        {"positions": [HOME.tolist(), [0.0] * 6]},
        ErrorCode.INVALID_GOAL,
        "positions need 7 values",
    ),
    "too few velocities": (
        {"velocities": [[0.0] * 7, []]},
        ErrorCode.INVALID_GOAL,
        "velocities need 7 values",
    ),
    "too few accelerations": (
        {"accelerations": [[0.0] * 7]},
        ErrorCode.INVALID_GOAL,
        "accelerations need 7 values",
    ),
    "moving end": (
        {"velocities": [[0.0] * 7, [0.2] * 7]},
        ErrorCode.INVALID_GOAL,
        "last point moves",
    ),
    "far start": (
        {"positions": [(HOME + 0.2).tolist(), (HOME + 0.3).tolist()]},
        ErrorCode.INVALID_GOAL,
        "0.200 rad away",
    ),
}


@pytest.mark.parametrize(("changes", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_refusals(robot: RobotModel, changes: dict, code: ErrorCode, text: str):
    with pytest.raises(InvalidTrajectory, match=text) as caught:
        check(robot, goal(**changes))
    assert caught.value.error_code == code


def test_joint_order_is_free(robot: RobotModel):
    plain = goal()
    order = [3, 0, 6, 2, 5, 1, 4]
    mixed = goal(
        joints=[plain["joints"][i] for i in order],
        positions=[[row[i] for i in order] for row in plain["positions"]],
    )
    assert np.array_equal(check(robot, mixed).positions, check(robot, plain).positions)


def test_a_first_point_later_than_0_starts_where_the_arm_is(robot: RobotModel):
    trajectory = check(robot, goal(times_s=[0.5, 1.0]))
    assert np.allclose(trajectory.sample(0.0)[0], HOME)
    assert trajectory.times_s.tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("derivatives", [0, 1, 2])
def test_interpolation_meets_the_points(robot: RobotModel, derivatives: int):
    rng = np.random.default_rng(1)
    places = HOME + rng.uniform(-0.05, 0.05, (4, 7))
    speeds, rates = rng.uniform(-0.2, 0.2, (2, 4, 7))
    speeds[-1] = 0.0
    fields = goal(
        times_s=[0.0, 0.4, 1.0, 1.3],
        positions=places.tolist(),
        velocities=speeds.tolist() if derivatives else [],
        accelerations=rates.tolist() if derivatives > 1 else [],
    )
    trajectory = check(robot, fields)
    for k, time_s in enumerate(trajectory.times_s[:-1]):
        before, (at, speed) = trajectory.sample(time_s - 1e-7), trajectory.sample(time_s)
        assert np.allclose(at, places[k])
        assert np.allclose(before[0], places[k], atol=1e-6)
        if derivatives:
            assert np.allclose(speed, speeds[k])
        if derivatives > 1:
            later = trajectory.sample(time_s + 1e-6)[1]
            assert np.allclose((later - speed) / 1e-6, rates[k], atol=1e-3)
    assert np.allclose(trajectory.sample(9.0)[0], places[-1])
    assert not trajectory.sample(9.0)[1].any()


def test_speed_is_the_slope_of_position(robot: RobotModel):
    trajectory = check(robot, goal())
    for time_s in (0.1, 0.5, 0.93):
        ahead, behind = trajectory.sample(time_s + 1e-6)[0], trajectory.sample(time_s - 1e-6)[0]
        assert np.allclose((ahead - behind) / 2e-6, trajectory.sample(time_s)[1], atol=1e-6)
