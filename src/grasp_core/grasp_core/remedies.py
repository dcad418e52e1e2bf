"""What to do about each code of a pick: for documents, and for whoever stands beside the robot."""

from __future__ import annotations

from grasp_core.errors import Code

REMEDIES: dict[Code, str] = {
    Code.OK: "nothing",
    Code.NO_IMAGE: (
        "see that the camera's driver runs and publishes colour, depth and camera_info on the "
        "topics of its profile (`ros2 topic hz`), at one stamp"
    ),
    Code.STALE_DETECTION: (
        "the computer is too slow or its clock is off: start fewer programs, set "
        "`config/fastdds.xml` for large images, synchronise clocks, or raise max_plan_age_s"
    ),
    Code.BAD_IMAGE: (
        "the message names encoding or size: switch on the driver's alignment of depth to "
        "colour, and name the right camera profile"
    ),
    Code.NO_GRASP: "put an object into the workspace, in the light; see `detector/image` in RViz",
    Code.OBJECT_NOT_FOUND: "ask for another label, or for none",
    Code.DETECTOR_BUSY: "choose a faster detector (`detector:=fast`), or raise detect_timeout_s",
    Code.NO_TRANSFORM: (
        "see that the calibration is published and the robot's driver publishes TF: `ros2 run "
        "tf2_ros tf2_echo BASE OPTICAL`; frame names must be those of the calibration"
    ),
    Code.BAD_CALIBRATION: (
        "the camera cannot be there: measure with `grasp calibrate --check`, or calibrate anew;"
        " camera_info must be of the image that is published"
    ),
    Code.OUTSIDE_WORKSPACE: "move the object into the workspace of the cell's file, or correct it",
    Code.TOO_WIDE: "take a narrower object, a wider hand, or another detector",
    Code.UNREACHABLE: "move the object closer to the arm; the message says which pose is meant",
    Code.PLANNING_FAILED: (
        "clear the way that the message names; see `executor/scenery` in RViz; declare free "
        "what is never occupied, as free_space of the cell's file"
    ),
    Code.COLLISION: "the message names what would touch: move the object away from its neighbours",
    Code.TRAJECTORY_REFUSED: (
        "see the controller's log; is it active (`ros2 control list_controllers`), and did "
        "somebody move the arm meanwhile?"
    ),
    Code.TRAJECTORY_ABORTED: (
        "see the controller's log; the arm did not arrive: reset the robot as below, and see "
        "that payload and tool are set"
    ),
    Code.UNEXPECTED_CONTACT: (
        "look what the arm touched and free it; then call `executor/acknowledge`"
    ),
    Code.GRIPPER_FAILED: "look at the hand; home it; see that max_gap_m of its profile is right",
    Code.EMPTY_GRIP: "pick again; if it happens often, the calibration is off: `--check` it",
    Code.SLIPPED: (
        "grasp it elsewhere, or let the hand press harder: `delicate_force_n` of the goal, "
        "`max_force_n` of its profile"
    ),
    Code.DROPPED: "pick it up by hand if it lies in the way; lower carry_speed",
    Code.HAND_NOT_EMPTY: (
        "hold a hand under it, call `executor/release` with confirm: false to see where it "
        "would open, then with confirm: true"
    ),
    Code.NOT_PLACED: (
        "the message says what was seen: take off what hangs on a finger (`executor/release`), or "
        "look beside the drop zone; a larger bin catches what tips over its rim"
    ),
    Code.STALE_JOINT_STATES: (
        "see that the driver publishes joint states with velocities on the topic of its "
        "profile, and that clocks agree"
    ),
    Code.HARDWARE_LOST: (
        "a driver has ended or does not answer, and the arm may still move: stop it by the "
        "robot's own means, then restart the driver"
    ),
    Code.PROTECTIVE_STOP: (
        "find out why the robot stopped, reset it at the robot as below, then call "
        "`executor/acknowledge`"
    ),
    Code.INVALID_STATES: "the driver publishes what is no number: restart it, look at its log",
    Code.CLOCK_ERROR: (
        "synchronise the computers with chrony; use_sim_time is for simulators alone"
    ),
    Code.NOT_ACKNOWLEDGED: "look at the robot, then call `executor/acknowledge`",
    Code.CANCELLED: "nothing: somebody asked for it, or did not confirm in time",
    Code.BAD_GOAL: "correct the field that the message names",
    Code.DRY_RUN: "nothing: look at the planned path, then start with `dry_run:=false`",
    Code.INTERNAL: "a fault of this software: report it with the executor's log",
}
"""The way out by code, a phrase."""
