"""A pick planned from end to end, and not done: what a dry run tells and shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from grasp_core.errors import DryRun
from grasp_executor.approach import GraspPlan
from grasp_executor.interfaces import JointTrajectory, JointVector, Observation
from grasp_executor.outcome import Stage
from grasp_executor.pick_context import PickContext

_AT_JOINTS_RAD = 0.02


def rehearsed(
    context: PickContext,
    look: Callable[[], Observation],
    choose: Callable[[Observation, JointVector], GraspPlan],
) -> DryRun:
    """Plan everything that a pick would move, as fast as it would, and draw it.

    The image is taken with the arm where it is; the pick is planned from where it would look.

    Args:
        context: Of the pick; its robot refuses to move.
        look: Takes an image with all that a pick expects of it.
        choose: Plans the first grasp that can be executed from a configuration.

    Returns:
        What the pick ends with: the motions, their stages and how long they take.

    Raises:
        GraspStackError: What would have ended the pick before anything was held.
    """
    station = context.station
    planner, wait = station.pick_planner, context.tell
    observe = np.array(station.model.arm.observe)
    start = station.robot.arm.state().positions
    away = bool(np.abs(start - observe).max() > _AT_JOINTS_RAD)
    observation = look()
    motions: list[tuple[Stage, JointTrajectory]] = []
    if away:
        motions.append((Stage.OBSERVE, planner.plan_to(start, observe, wait)))
    plan = choose(observation, observe)
    motions += [
        (Stage.PREGRASP, plan.travel),
        (Stage.APPROACH, plan.approach),
        (Stage.TEST_LIFT, plan.test_lift),
        (Stage.LIFT, plan.lift),
    ]
    try:
        with context.stage(Stage.CARRY):
            carry = planner.plan_drop(plan.lift.goal, plan.target, wait)
            motions.append((Stage.CARRY, station.paced(carry)))
    finally:
        planner.let_go()
    with context.stage(Stage.RETURN):
        station.robot.planner.set_gap(station.model.gripper.max_gap_m)
        motions.append((Stage.RETURN, planner.plan_to(carry.goal, observe, wait)))
    motions = [(stage, station.paced(motion)) for stage, motion in motions]
    station.show_motion(joined([motion for _, motion in motions]))
    x, y, z = plan.target.T_base_grasp.translation
    told = ", ".join(f"{stage.value} {motion.duration_s:.1f} s" for stage, motion in motions)
    hidden = "; the arm stood out of its observation pose and may have hidden something"
    return DryRun(
        f"would close from {plan.target.opening_m * 1000:.0f} mm at ({x:.3f}, {y:.3f}, {z:.3f}) m "
        f"in {station.model.arm.base_frame}, and move the arm for {told}{hidden if away else ''}; "
        "nothing has moved: look at the planned path, then start with dry_run:=false"
    )


def joined(motions: Sequence[JointTrajectory]) -> JointTrajectory:
    """Motions of the same joints, one after the other, as one trajectory."""
    times, begins_s = [], 0.0
    for motion in motions:
        # A point where one ends, and one a moment later where the next begins.
        times.append(motion.times_s + begins_s)
        begins_s = float(times[-1][-1]) + 1e-3
    return JointTrajectory(
        motions[0].joints,
        np.concatenate(times),
        *(
            np.concatenate([getattr(motion, name) for motion in motions])
            for name in ("positions", "velocities", "accelerations")
        ),
    )
