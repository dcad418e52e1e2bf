"""Planning times of both planners over the same queries: `python -m planner_times --domain ID`.

The queries are those of picks in a bin: configurations of a pre-grasp, the line down, the line up
again, the way there, and the way to the bin. ID is the ROS_DOMAIN_ID of a running move_group;
`--moveit-py` times MoveIt without one. Without either, only the embedded planner is timed.
"""

from __future__ import annotations

import argparse
import time
from contextlib import closing

import numpy as np
from planning_cell import CELL, top_down

from grasp_core.errors import PlanFailure
from grasp_core.robot import load_robot
from grasp_core.transform import Transform

QUERIES = ("inverse kinematics", "line down", "line up", "way there", "way to the bin")
DOWN = Transform.from_translation(0.0, 0.0, -0.1)
UP = Transform.from_translation(0.0, 0.0, 0.1)


def poses(count):
    """Pre-grasps over the bin's floor."""
    rng = np.random.default_rng(7)
    for _ in range(count):
        x, y, yaw = rng.uniform((0.4, -0.15, -1.5), (0.6, 0.15, 1.5))
        yield top_down(x, y, 0.18, yaw)


def timed(planner, observe, count):
    """Seconds of every query that was answered, and how many were not, by query."""
    planner.set_scene(CELL)
    seconds = {query: [] for query in QUERIES}
    failed = dict.fromkeys(QUERIES, 0)

    def ask(query, call):
        started = time.perf_counter()
        try:
            answer = call()
        except PlanFailure:
            failed[query] += 1
            return None
        seconds[query].append(time.perf_counter() - started)
        return answer

    for pose in poses(count):
        solutions = ask("inverse kinematics", lambda p=pose: planner.solve_ik(p, observe))
        if solutions is None:
            continue
        pregrasp = solutions[0]
        down = ask("line down", lambda q=pregrasp, p=pose: planner.plan_line(q, DOWN @ p, 0.1))
        if down is not None:
            ask("line up", lambda q=down.goal, p=pose: planner.plan_line(q, UP @ DOWN @ p, 0.1))
        ask("way there", lambda q=pregrasp: planner.plan_joints(observe, q))
        ask("way to the bin", lambda q=pregrasp: planner.plan_joints(q, observe))
    return seconds, failed


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domain", type=int, help="ROS_DOMAIN_ID of a running move_group")
    parser.add_argument("--moveit-py", action="store_true", help="where it is installed")
    parser.add_argument("--count", type=int, default=30)
    options = parser.parse_args()
    robot = load_robot("panda")
    observe = np.array(robot.arm.observe)
    from grasp_executor.planning.embedded import EmbeddedPlanner
    from grasp_executor.planning.moveit import MoveItPlanner
    from grasp_executor.planning.moveit_config import MOVEIT_PY, MoveItConfig

    results = {"embedded": timed(EmbeddedPlanner(robot), observe, options.count)}
    if options.domain is not None:
        from ros_move_group import running_move_group

        with running_move_group(options.domain) as move_group:
            results["moveit"] = timed(MoveItPlanner(robot, move_group), observe, options.count)
    if options.moveit_py:
        from grasp_executor.ros_moveit_py import connect_moveit_py

        with closing(connect_moveit_py(robot, MoveItConfig(server=MOVEIT_PY))) as move_group:
            results["moveit_py"] = timed(MoveItPlanner(robot, move_group), observe, options.count)
    print("| query | planner | answered | median ms | p95 ms |\n|---|---|---|---|---|")
    for query in QUERIES:
        for name, (seconds, failed) in results.items():
            taken = 1e3 * np.array(seconds[query] or [np.nan])
            asked = len(seconds[query]) + failed[query]
            print(
                f"| {query} | {name} | {len(seconds[query])} of {asked} "
                f"| {np.median(taken):.0f} | {np.percentile(taken, 95):.0f} |"
            )


if __name__ == "__main__":
    main()
