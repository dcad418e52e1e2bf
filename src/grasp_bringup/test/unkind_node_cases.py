"""Misbehaviours tried through the nodes: what the stand-in is told, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

from unkind_case import ArmDoes, Case, HandDoes, Part

from grasp_core.errors import Code


@dataclass(frozen=True)
class NodeCase:
    """A row of the catalogue, and what the stand-in is told, as by ``--misbehave``."""

    row: Case
    ways: tuple[str, ...]


def _case(
    name: str,
    part: Part,
    says: str,
    arm: ArmDoes,
    hand: HandDoes,
    code: Code,
    *ways: str,
) -> NodeCase:
    return NodeCase(Case(name, part, says, arm, hand, code), ways or (name,))


RESTS, RETURNS, STAYS, FINISHES, UNSURE = (
    ArmDoes.RESTS,
    ArmDoes.RETURNS,
    ArmDoes.STAYS,
    ArmDoes.FINISHES,
    ArmDoes.UNSURE,
)
DELIVERS, OPEN, SHUT, MAY_HOLD = (
    HandDoes.DELIVERS,
    HandDoes.OPEN,
    HandDoes.SHUT,
    HandDoes.MAY_HOLD,
)

NODE_CASES = [
    _case(
        "a-server-like-frankas",
        Part.HAND,
        "the hand's server aborts when it closes over anything, reports effort 0 and no stall",
        FINISHES,
        DELIVERS,
        Code.OK,
        "grip-franka",
    ),
    _case(
        "nan-widths-in-the-hold",
        Part.HAND,
        "finger positions become NaN in the hold",
        RESTS,
        SHUT,
        Code.INVALID_STATES,
        "hand-nan@hold",
    ),
    _case(
        "an-outlier-now-and-then",
        Part.HAND,
        "one sample in 50 of the hand is all zeros",
        FINISHES,
        DELIVERS,
        Code.OK,
        "hand-zero-now-and-then=50@lift",
    ),
    _case(
        "a-grip-told-too-early",
        Part.HAND,
        "the hand reports success while its jaws still move",
        FINISHES,
        DELIVERS,
        Code.OK,
        "grip-early",
    ),
    _case(
        "half-a-message",
        Part.HAND,
        "one finger is missing in the hand's states",
        RESTS,
        SHUT,
        Code.STALE_JOINT_STATES,
        "hand-half@hold",
    ),
    _case(
        "scaled-speed",
        Part.ARM,
        "the controller scales its speed to 30 % and back",
        FINISHES,
        DELIVERS,
        Code.OK,
        "arm-speed=0.3@pregrasp",
        "arm-speed=1@lift",
    ),
    _case(
        "held-by-something-unseen",
        Part.ARM,
        "something holds the arm in the approach",
        RESTS,
        OPEN,
        Code.UNEXPECTED_CONTACT,
        "arm-blocked@approach",
    ),
    _case(
        "a-driver-clock-behind",
        Part.TIME,
        "the hand's stamps are 3 s behind, from the hold on",
        RESTS,
        SHUT,
        Code.CLOCK_ERROR,
        "hand-stamps-off=-3@hold",
    ),
    _case(
        "a-stopped-clock",
        Part.TIME,
        "/clock stands still in the carry",
        UNSURE,
        SHUT,
        Code.HARDWARE_LOST,
        "clock-stands@carry",
    ),
    _case(
        "millimetres-as-metres",
        Part.CAMERA,
        "depth in millimetres is published as 32FC1",
        STAYS,
        OPEN,
        Code.BAD_IMAGE,
        "depth-mm-in-32fc1",
    ),
    _case(
        "metres-as-millimetres",
        Part.CAMERA,
        "depth in metres is published as 16UC1",
        STAYS,
        OPEN,
        Code.BAD_IMAGE,
        "depth-m-in-16uc1",
    ),
    _case(
        "no-depth-at-all",
        Part.CAMERA,
        "no pixel of the depth image is valid",
        STAYS,
        OPEN,
        Code.BAD_IMAGE,
        "depth-empty",
    ),
    _case(
        "depth-of-another-frame",
        Part.CAMERA,
        "depth and colour are of different frames",
        STAYS,
        OPEN,
        Code.BAD_IMAGE,
        "depth-frame",
    ),
    _case(
        "camera-info-of-another-size",
        Part.CAMERA,
        "camera_info is of twice the image's size",
        STAYS,
        OPEN,
        Code.BAD_CALIBRATION,
        "info-size=2",
    ),
    _case(
        "unequal-focal-lengths",
        Part.CAMERA,
        "fy is three times fx",
        STAYS,
        OPEN,
        Code.BAD_CALIBRATION,
        "info-fy=3",
    ),
    _case(
        "images-from-the-future",
        Part.CAMERA,
        "images are stamped 5 s ahead",
        STAYS,
        OPEN,
        Code.CLOCK_ERROR,
        "camera-stamps-off=5",
    ),
    _case(
        "an-old-image-again",
        Part.CAMERA,
        "an image from before the request comes again and again",
        STAYS,
        OPEN,
        Code.STALE_DETECTION,
        "camera-stamps-stand",
    ),
    _case(
        "a-silent-camera",
        Part.CAMERA,
        "no image comes",
        STAYS,
        OPEN,
        Code.NO_IMAGE,
        "camera-silent",
    ),
    _case(
        "a-frame-without-pose",
        Part.CAMERA,
        "images are of a frame that TF does not know",
        STAYS,
        OPEN,
        Code.NO_TRANSFORM,
        "camera-frame-unknown",
    ),
]
