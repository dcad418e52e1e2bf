"""Where a hand-eye calibration belongs in TF: one more link, and no frame with two parents.

A calibration says where the optical frame is. The camera's driver, too, says something of that
frame: how it hangs from the frame of the camera's body. Whoever published the calibration as it
is would give the optical frame a second parent, and TF would jump between the two. So what is
published is the pose of the root of the driver's frames, worked out from both.
"""

from __future__ import annotations

from grasp_core.hand_eye import HandEye
from grasp_core.transform import Transform

Link = tuple[str, str, Transform]
"""Parent, child and ``T_parent_child``."""


class CalibrationLink:
    """Watches the links of TF, and tells which one is missing between robot and camera."""

    def __init__(self, calibration: HandEye, root_frame: str = "") -> None:
        """Begin without any link known.

        Args:
            calibration: Parent frame (base or hand), optical frame, and the pose between them.
            root_frame: Root of the frames that the camera's driver publishes; empty where it
                publishes none, and the optical frame itself is to be linked.
        """
        self._calibration = calibration
        self._root = _plain(root_frame) or _plain(calibration.camera_frame)
        self._parents: dict[str, tuple[str, Transform]] = {}
        self._published: Link | None = None

    def saw(self, parent: str, child: str, T_parent_child: Transform) -> str:
        """Take a link that somebody else publishes.

        Returns:
            What is wrong with it, a sentence; empty if nothing is.
        """
        parent, child = _plain(parent), _plain(child)
        own = self._published
        if own is not None and child == own[1]:
            if parent == own[0]:
                return ""  # most often our own, come back
            return (
                f"frame {child!r} has two parents: {own[0]!r} by the calibration and {parent!r} "
                "by somebody else; stop the other publisher, or start with calibration:=tf"
            )
        self._parents[child] = (parent, T_parent_child)
        return ""

    def missing(self) -> tuple[Link | None, str]:
        """The link to publish, or why there is none yet.

        Returns:
            The link and the empty text; or None and what is waited for, or what is wrong.
        """
        calibration = self._calibration
        optical = _plain(calibration.camera_frame)
        frame, T_frame_optical = optical, Transform.identity()
        while frame != self._root:
            if frame == _plain(calibration.parent_frame):
                return None, self._taken(optical)
            if frame not in self._parents:
                return None, (
                    f"waits for the camera's driver, which has not published how {optical!r} "
                    f"hangs from {self._root!r}"
                )
            parent, T_parent_frame = self._parents[frame]
            frame, T_frame_optical = parent, T_parent_frame @ T_frame_optical
        if frame in self._parents:
            return None, self._taken(frame)
        T_parent_root = calibration.T_parent_camera @ T_frame_optical.inverse()
        return (_plain(calibration.parent_frame), frame, T_parent_root), ""

    def _taken(self, frame: str) -> str:
        return (
            f"frame {frame!r} hangs from {self._parents[frame][0]!r} already, by somebody else: a "
            "second parent is not published; stop that publisher, or start with calibration:=tf"
        )

    def published(self, link: Link) -> None:
        """The missing link is published from now on."""
        self._published = link


def _plain(frame: str) -> str:
    return frame.lstrip("/")
