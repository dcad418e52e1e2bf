"""Misbehaviours tried through the nodes: what the stand-in is told, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from unkind_case import ArmDoes, Case, HandDoes, Part

from grasp_core.errors import Code


@dataclass(frozen=True)
class NodeCase:
    """A row of the catalogue, and how it is brought about.

    Attributes:
        row: What is promised.
        ways: What the stand-in is told, as by ``--misbehave``.
        cancel_in: Stage in which the client cancels; empty for none.
    """

    row: Case
    ways: tuple[str, ...]
    cancel_in: str = ""


def _case(
    name: str,
    part: Part,
    says: str,
    arm: ArmDoes,
    hand: HandDoes,
    code: Code,
    *ways: str,
    cancel_in: str = "",
) -> NodeCase:
    return NodeCase(Case(name, part, says, arm, hand, code), ways, cancel_in)


RESTS, RETURNS, STAYS, FINISHES, UNSURE = (
    ArmDoes.RESTS,
    ArmDoes.RETURNS,
    ArmDoes.STAYS,
    ArmDoes.FINISHES,
    ArmDoes.UNSURE,
)
DELIVERS, EMPTY, SHUT, MAY_HOLD, WAITS = (
    HandDoes.DELIVERS,
    HandDoes.EMPTY,
    HandDoes.SHUT,
    HandDoes.MAY_HOLD,
    HandDoes.WAITS,
)

H, A, T, C = Part.HAND, Part.ARM, Part.TIME, Part.CAMERA

HAND_CASES = [
    _case(
        "a-server-like-frankas",
        H,
        "the hand's server aborts when it closes over anything, tells effort 0 and no stall",
        FINISHES,
        DELIVERS,
        Code.OK,
        "grip-franka",
    ),
    _case(
        "an-aborted-grip",
        H,
        "the hand's server aborts the closing, and the jaws hold",
        FINISHES,
        DELIVERS,
        Code.OK,
        "grip-aborts@approach",
    ),
    _case(
        "a-grip-told-too-early",
        H,
        "the hand tells success while its jaws still move",
        FINISHES,
        DELIVERS,
        Code.OK,
        "grip-early",
    ),
    _case(
        "a-grip-never-told",
        H,
        "the hand never tells a result",
        FINISHES,
        DELIVERS,
        Code.OK,
        "grip-never@approach",
    ),
    _case(
        "a-refused-grip",
        H,
        "the hand's server refuses goals",
        RESTS,
        MAY_HOLD,
        Code.GRIPPER_FAILED,
        "grip-refused@pregrasp",
    ),
    _case(
        "half-a-message",
        H,
        "one finger is missing in the hand's states",
        RESTS,
        SHUT,
        Code.STALE_JOINT_STATES,
        "hand-half@hold",
    ),
    _case(
        "millimetres-of-the-hand",
        H,
        "the hand tells millimetres for metres",
        STAYS,
        WAITS,
        Code.HAND_NOT_EMPTY,
        "hand-millimetres",
    ),
]

ARM_CASES = [
    _case(
        "scaled-speed",
        A,
        "speed is scaled to 10 %, to 0 % and back",
        FINISHES,
        DELIVERS,
        Code.OK,
        "arm-speed=0.1@pregrasp",
        "arm-stands=1@approach",
    ),
    _case(
        "held-by-something-unseen",
        A,
        "something holds the arm in the approach",
        RESTS,
        EMPTY,
        Code.UNEXPECTED_CONTACT,
        "arm-blocked@approach",
    ),
    _case(
        "a-controller-without-tolerances",
        A,
        "something holds the arm, and its controller knows no tolerances",
        RESTS,
        EMPTY,
        Code.UNEXPECTED_CONTACT,
        "arm-ignores-tolerances",
        "arm-blocked@approach",
    ),
    _case(
        "degrees-of-the-arm",
        A,
        "the arm tells degrees for radians",
        STAYS,
        WAITS,
        Code.PLANNING_FAILED,
        "arm-degrees",
    ),
    _case(
        "no-velocities",
        A,
        "the arm tells no velocities",
        STAYS,
        WAITS,
        Code.STALE_JOINT_STATES,
        "arm-without-velocity",
    ),
    _case(
        "stopped-by-the-robot",
        A,
        "the driver says that the robot has stopped itself",
        RESTS,
        SHUT,
        Code.PROTECTIVE_STOP,
        "protective-stop@carry",
    ),
    _case(
        "a-refused-cancel",
        A,
        "the controller refuses a cancel and moves on slowly",
        UNSURE,
        SHUT,
        Code.HARDWARE_LOST,
        "arm-refuses-cancel",
        "arm-speed=0.02@carry",
        cancel_in="carry",
    ),
]

TIME_CASES = [
    _case(
        "a-driver-clock-behind",
        T,
        "the hand's clock is set back by 3 s in the hold",
        RESTS,
        SHUT,
        Code.CLOCK_ERROR,
        "hand-stamps-off=-3@hold",
    ),
    _case(
        "stamps-that-stand-still",
        T,
        "samples of the hand arrive, and their stamps stand still",
        RESTS,
        SHUT,
        Code.CLOCK_ERROR,
        "hand-stamps-stand@hold",
    ),
    _case(
        "stamps-from-the-future",
        T,
        "the arm's clock is 5 s ahead",
        STAYS,
        WAITS,
        Code.CLOCK_ERROR,
        "arm-stamps-off=5",
    ),
    _case(
        "a-clock-set-back",
        T,
        "/clock steps back by 0.7 s in the lift",
        RESTS,
        SHUT,
        Code.CLOCK_ERROR,
        "clock-steps=-0.7@lift",
    ),
    _case(
        "a-stopped-clock",
        T,
        "/clock stands still in the lift",
        UNSURE,
        SHUT,
        Code.HARDWARE_LOST,
        "clock-stands@lift",
    ),
    _case(
        "images-from-the-future",
        T,
        "images are stamped 5 s ahead",
        STAYS,
        EMPTY,
        Code.CLOCK_ERROR,
        "camera-stamps-off=5",
    ),
    _case(
        "an-old-image-again",
        T,
        "an image from before the request comes again and again",
        STAYS,
        EMPTY,
        Code.STALE_DETECTION,
        "camera-stamps-stand",
    ),
]

CAMERA_CASES = [
    _case(
        "millimetres-as-metres",
        C,
        "depth in millimetres is published as 32FC1",
        STAYS,
        EMPTY,
        Code.BAD_IMAGE,
        "depth-mm-in-32fc1",
    ),
    _case(
        "metres-as-millimetres",
        C,
        "depth in metres is published as 16UC1",
        STAYS,
        EMPTY,
        Code.BAD_IMAGE,
        "depth-m-in-16uc1",
    ),
    _case(
        "depth-as-a-picture",
        C,
        "depth is published as mono8",
        STAYS,
        EMPTY,
        Code.BAD_IMAGE,
        "depth-8-bit",
    ),
    _case(
        "no-depth-at-all",
        C,
        "no pixel of the depth image is valid",
        STAYS,
        EMPTY,
        Code.BAD_IMAGE,
        "depth-empty",
    ),
    _case(
        "depth-of-another-frame",
        C,
        "depth and colour are of different frames",
        STAYS,
        EMPTY,
        Code.BAD_CALIBRATION,
        "depth-frame",
    ),
    _case(
        "a-frame-without-pose",
        C,
        "images are of a frame that TF does not know",
        STAYS,
        EMPTY,
        Code.NO_TRANSFORM,
        "camera-frame-unknown",
    ),
    _case(
        "a-binned-camera",
        C,
        "camera_info is of a full-size image, and tells binning of 2",
        FINISHES,
        DELIVERS,
        Code.OK,
        "info-full-size=2",
    ),
    _case(
        "untold-binning",
        C,
        "camera_info is of twice the image's size, and tells no binning",
        STAYS,
        EMPTY,
        Code.BAD_CALIBRATION,
        "info-size=2",
    ),
    _case(
        "an-uncalibrated-camera",
        C,
        "camera_info is all zeros",
        STAYS,
        EMPTY,
        Code.BAD_CALIBRATION,
        "info-uncalibrated",
    ),
    _case(
        "unequal-focal-lengths",
        C,
        "fy is three times fx",
        STAYS,
        EMPTY,
        Code.BAD_CALIBRATION,
        "info-fy=3",
    ),
    _case(
        "a-centre-outside",
        C,
        "the principal point lies 200 px outside the image",
        STAYS,
        EMPTY,
        Code.BAD_CALIBRATION,
        "info-centre=200",
    ),
    _case("a-silent-camera", C, "no image comes", STAYS, EMPTY, Code.NO_IMAGE, "camera-silent"),
    _case(
        "colour-without-depth",
        C,
        "colour comes, and no depth",
        STAYS,
        EMPTY,
        Code.NO_IMAGE,
        "depth-silent",
    ),
]

NODE_CASES = [*HAND_CASES, *ARM_CASES, *TIME_CASES, *CAMERA_CASES]
