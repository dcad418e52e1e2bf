"""Rigid transforms. Frames are in the names: ``T_base_grasp = T_base_camera @ T_camera_grasp``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

_ORTHONORMAL_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Transform:
    """Element of SE(3): ``T_a_b`` maps points of frame b into frame a.

    Attributes:
        matrix: Homogeneous matrix, shape (4, 4), float64, translation in metres.
    """

    matrix: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check that the matrix is finite and its rotation orthonormal and right-handed.

        Raises:
            ValueError: The matrix is no rigid transform.
        """
        matrix = np.array(self.matrix, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.all(np.isfinite(matrix)):
            raise ValueError(f"a transform needs a finite 4x4 matrix, got {matrix.tolist()}")
        rotation = matrix[:3, :3]
        if (
            np.abs(rotation @ rotation.T - np.eye(3)).max() > _ORTHONORMAL_TOLERANCE
            or np.linalg.det(rotation) < 0.0
        ):
            raise ValueError(f"not a right-handed rotation: {rotation.tolist()}")
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)

    @classmethod
    def identity(cls) -> Transform:
        """The transform that changes nothing."""
        return cls(np.eye(4))

    @classmethod
    def from_rotation(
        cls, rotation: ArrayLike, translation: ArrayLike = (0.0, 0.0, 0.0)
    ) -> Transform:
        """Build from a rotation matrix, shape (3, 3), and a translation, shape (3,), metres."""
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = translation
        return cls(matrix)

    @classmethod
    def from_quaternion(
        cls, xyzw: ArrayLike, translation: ArrayLike = (0.0, 0.0, 0.0)
    ) -> Transform:
        """Build from a quaternion (x, y, z, w), normalised here, and a translation in metres.

        Raises:
            ValueError: The quaternion is zero or not finite.
        """
        quaternion = np.array(xyzw, dtype=np.float64)  # scipy 1.11 takes none that is read-only
        norm = float(np.linalg.norm(quaternion))
        if not np.isfinite(norm) or norm < 1e-6:
            raise ValueError(f"a quaternion needs a norm above 0, got {quaternion.tolist()}")
        return cls.from_rotation(Rotation.from_quat(quaternion).as_matrix(), translation)

    @classmethod
    def from_rpy(cls, rpy: ArrayLike, translation: ArrayLike = (0.0, 0.0, 0.0)) -> Transform:
        """Build from URDF's roll, pitch, yaw (fixed axes x, y, z; radians) and a translation."""
        return cls.from_rotation(Rotation.from_euler("xyz", rpy).as_matrix(), translation)

    @classmethod
    def from_translation(cls, x: float, y: float, z: float) -> Transform:
        """Build a pure translation, metres."""
        return cls.from_rotation(np.eye(3), (x, y, z))

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Rotation matrix, shape (3, 3)."""
        return self.matrix[:3, :3]

    @property
    def translation(self) -> NDArray[np.float64]:
        """Translation, shape (3,), metres."""
        return self.matrix[:3, 3]

    @property
    def quaternion(self) -> NDArray[np.float64]:
        """Unit quaternion (x, y, z, w), shape (4,), w >= 0."""
        return self._turn().as_quat(canonical=True)

    @property
    def rpy(self) -> NDArray[np.float64]:
        """URDF's roll, pitch, yaw (fixed axes x, y, z), shape (3,), radians."""
        return np.asarray(self._turn().as_euler("xyz"))

    def _turn(self) -> Rotation:
        # A copy: scipy before 1.15 does not take what is read-only.
        return Rotation.from_matrix(self.rotation.copy())

    def __matmul__(self, other: Transform) -> Transform:
        """Compose: ``T_a_b @ T_b_c`` is ``T_a_c``."""
        if not isinstance(other, Transform):
            return NotImplemented
        return Transform(self.matrix @ other.matrix)

    def inverse(self) -> Transform:
        """``T_b_a`` of ``T_a_b``."""
        rotation = self.rotation.T
        return Transform.from_rotation(rotation, -rotation @ self.translation)

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points, shape (3,) or (N, 3), metres, from the inner frame to the outer one."""
        return np.asarray(points, dtype=np.float64) @ self.rotation.T + self.translation

    def rotate(self, vectors: ArrayLike) -> NDArray[np.float64]:
        """Rotate directions, shape (3,) or (N, 3), without translating them."""
        return np.asarray(vectors, dtype=np.float64) @ self.rotation.T

    def distance_to(self, other: Transform) -> tuple[float, float]:
        """Distance between origins, metres, and angle between orientations, radians."""
        angle = Rotation.from_matrix(self.rotation.T @ other.rotation).magnitude()
        return float(np.linalg.norm(self.translation - other.translation)), float(angle)
