"""Typed failures. Every failure a user can meet is a class here with a code of Pick.action."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """Result codes; equal by name and number to the constants of grasp_msgs/action/Pick."""

    OK = 0
    NO_IMAGE = 10
    STALE_DETECTION = 11
    BAD_IMAGE = 12
    NO_GRASP = 13
    OBJECT_NOT_FOUND = 14
    DETECTOR_BUSY = 15
    NO_TRANSFORM = 20
    BAD_CALIBRATION = 21
    OUTSIDE_WORKSPACE = 30
    TOO_WIDE = 31
    UNREACHABLE = 32
    PLANNING_FAILED = 33
    COLLISION = 34
    TRAJECTORY_REFUSED = 40
    TRAJECTORY_ABORTED = 41
    UNEXPECTED_CONTACT = 42
    GRIPPER_FAILED = 43
    EMPTY_GRIP = 50
    SLIPPED = 51
    DROPPED = 52
    HAND_NOT_EMPTY = 53
    NOT_PLACED = 54
    STALE_JOINT_STATES = 60
    HARDWARE_LOST = 61
    PROTECTIVE_STOP = 62
    INVALID_STATES = 63
    CLOCK_ERROR = 64
    NOT_ACKNOWLEDGED = 65
    CANCELLED = 70
    BAD_GOAL = 71
    DRY_RUN = 72
    INTERNAL = 99

    @property
    def is_stack_fault(self) -> bool:
        """Whether the stack, its hardware or its operation failed: it says nothing of grasps.

        The other codes tell of a pick that was tried, or that the scene does not allow. To be
        stopped by contact is of these: it is what the arm met.
        """
        return self in _STACK_FAULTS


_STACK_FAULTS = frozenset(
    {
        *(Code.NO_IMAGE, Code.STALE_DETECTION, Code.BAD_IMAGE, Code.DETECTOR_BUSY),
        *(Code.NO_TRANSFORM, Code.BAD_CALIBRATION),
        *(Code.TRAJECTORY_REFUSED, Code.TRAJECTORY_ABORTED, Code.GRIPPER_FAILED),
        *(Code.STALE_JOINT_STATES, Code.HARDWARE_LOST, Code.PROTECTIVE_STOP),
        *(Code.INVALID_STATES, Code.CLOCK_ERROR, Code.NOT_ACKNOWLEDGED),
        *(Code.BAD_GOAL, Code.INTERNAL),
    }
)


class GraspStackError(Exception):
    """Root of every failure of the stack; the message is one sentence with value and remedy."""

    code = Code.INTERNAL


class ConfigError(GraspStackError, ValueError):
    """A configuration value is missing, unknown or out of its bounds."""


class MissingDependency(GraspStackError, ImportError):
    """An optional library is not installed; the message says what to install."""


class CandidateFailure(GraspStackError):
    """One candidate cannot be executed: the next one is tried.

    Attributes:
        merit: How far it got through the checks. When every candidate fails, the failure with the
            most merit is told: the others say less of what stands in the way.
    """

    merit = 0


class PlanFailure(CandidateFailure):
    """A planner found no way to the pose, or along a path."""

    merit = 40


class NoImage(GraspStackError):
    """No image arrived in time."""

    code = Code.NO_IMAGE


class StaleDetection(GraspStackError):
    """The newest image or detection is older than asked for."""

    code = Code.STALE_DETECTION


class BadImage(GraspStackError, ValueError):
    """Encoding, size or calibration of an image cannot be used."""

    code = Code.BAD_IMAGE


class InvalidDepth(BadImage, CandidateFailure):
    """A depth value is zero, negative or not finite where a surface is needed."""

    merit = 20


class NoGrasp(GraspStackError):
    """The image holds no grasp candidate."""

    code = Code.NO_GRASP


class ObjectNotFound(GraspStackError):
    """No candidate carries the label asked for."""

    code = Code.OBJECT_NOT_FOUND


class DetectorBusy(GraspStackError):
    """Images come, but the detector has not finished one in time."""

    code = Code.DETECTOR_BUSY


class NoTransform(GraspStackError):
    """The pose between two frames is unknown at the time asked for."""

    code = Code.NO_TRANSFORM


class BadCalibration(GraspStackError, ValueError):
    """A camera pose or camera intrinsics that cannot be right."""

    code = Code.BAD_CALIBRATION


class OutsideWorkspace(CandidateFailure):
    """The grasp lies outside the workspace box."""

    code = Code.OUTSIDE_WORKSPACE
    merit = 10


class TooWide(CandidateFailure):
    """The object is wider than the jaws open."""

    code = Code.TOO_WIDE
    merit = 30


class Unreachable(PlanFailure):
    """No joint configuration reaches the pose."""

    code = Code.UNREACHABLE
    merit = 50


class PlanningFailed(PlanFailure):
    """The pose is reachable, but no path within limits was found."""

    code = Code.PLANNING_FAILED
    merit = 60


class Collision(PlanFailure):
    """The hand or the arm would touch an obstacle."""

    code = Code.COLLISION
    merit = 40


class TrajectoryRefused(GraspStackError):
    """The arm controller refused the trajectory."""

    code = Code.TRAJECTORY_REFUSED


class TrajectoryAborted(GraspStackError):
    """The arm controller gave up on the way."""

    code = Code.TRAJECTORY_ABORTED


class UnexpectedContact(GraspStackError):
    """Something stopped the arm."""

    code = Code.UNEXPECTED_CONTACT


class GripperFailed(GraspStackError):
    """The gripper did not do as told."""

    code = Code.GRIPPER_FAILED


class EmptyGrip(GraspStackError):
    """Nothing is between the jaws."""

    code = Code.EMPTY_GRIP


class WeakGrip(EmptyGrip):
    """Something is between the jaws, and they press on it too weakly."""


class Slipped(GraspStackError):
    """The object moved between the jaws."""

    code = Code.SLIPPED


class Dropped(GraspStackError):
    """The object was lost after a verified grip."""

    code = Code.DROPPED


class HandNotEmpty(GraspStackError):
    """The hand may hold something; only an operator may have it opened."""

    code = Code.HAND_NOT_EMPTY


class NotPlaced(GraspStackError):
    """It was let go over the drop zone, and what was seen afterwards speaks against it."""

    code = Code.NOT_PLACED


class StaleJointStates(GraspStackError):
    """Joint states stopped or lag behind the clock."""

    code = Code.STALE_JOINT_STATES


class HardwareLost(GraspStackError):
    """A controller or driver no longer answers."""

    code = Code.HARDWARE_LOST


class ProtectiveStop(GraspStackError):
    """The robot stopped itself."""

    code = Code.PROTECTIVE_STOP


class InvalidStates(GraspStackError):
    """A measured position or force is not finite."""

    code = Code.INVALID_STATES


class ClockError(GraspStackError):
    """Stamps of a driver lead node time, or do not advance."""

    code = Code.CLOCK_ERROR


class NotAcknowledged(GraspStackError):
    """An earlier contact or stop waits for an operator."""

    code = Code.NOT_ACKNOWLEDGED


class Cancelled(GraspStackError):
    """The client cancelled."""

    code = Code.CANCELLED


class BadGoal(GraspStackError, ValueError):
    """A field of the goal is out of range."""

    code = Code.BAD_GOAL


class DryRun(GraspStackError):
    """Planned from end to end, and nothing has moved: as was asked for."""

    code = Code.DRY_RUN


def failure_from(code: int, message: str) -> GraspStackError:
    """The typed failure of a code, as received from another node.

    Codes without a class of their own, and unknown ones, become the root class.
    """
    classes = [GraspStackError]
    for known in classes:
        classes.extend(known.__subclasses__())
    for known in classes:
        # Subclasses that refine a failure share its code; the first one is the plain one.
        if known.code == code and code != Code.INTERNAL:
            return known(message)
    return GraspStackError(message)
