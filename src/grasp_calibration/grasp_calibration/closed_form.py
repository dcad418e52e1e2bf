"""Five closed solutions of ``A X = X B``, the ones that OpenCV has.

OpenCV 5.0's Python module does not offer ``calibrateHandEye`` any more, so they are here; a test
compares them with OpenCV's where it has them. All take the motions between two views: A of the
hand, B of the board as the camera sees it.

Sources: Tsai & Lenz, IEEE Trans. Robotics and Automation 5(3), 1989; Park & Martin, ibid. 10(5),
1994; Horaud & Dornaika, Int. J. Robotics Research 14(3), 1995; Andreff, Horaud & Espiau, 3-D
Digital Imaging and Modeling, 1999; Daniilidis, Int. J. Robotics Research 18(3), 1999.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasp_core.transform import Transform

_LEAST_TURN_RAD = math.radians(3.0)  # smaller turns have no axis that can be told from noise

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Motions:
    """Motions between pairs of views.

    Attributes:
        hand: Rotations of A, shape (N, 3, 3).
        hand_m: Translations of A, shape (N, 3), metres.
        board: Rotations of B.
        board_m: Translations of B.
    """

    hand: Matrix
    hand_m: Matrix
    board: Matrix
    board_m: Matrix

    @property
    def vectors(self) -> tuple[Matrix, Matrix]:
        """Rotation vectors of A and of B, shape (N, 3), rad."""
        a, b = (Rotation.from_matrix(one).as_rotvec() for one in (self.hand, self.board))
        return a, b


def motions(carriers: Sequence[Transform], boards: Sequence[Transform]) -> Motions:
    """Motions between all pairs of views that turn the hand.

    Args:
        carriers: A of ``A X T_camera_board = Z`` of each view.
        boards: ``T_camera_board`` of each view.
    """
    a, b = (np.array([one.matrix for one in poses]) for poses in (carriers, boards))
    first, second = np.triu_indices(len(carriers), 1)
    hand = np.linalg.inv(a[second]) @ a[first]
    board = b[second] @ np.linalg.inv(b[first])
    turned = Rotation.from_matrix(hand[:, :3, :3]).magnitude() >= _LEAST_TURN_RAD
    hand, board = hand[turned], board[turned]
    return Motions(hand[:, :3, :3], hand[:, :3, 3], board[:, :3, :3], board[:, :3, 3])


def tsai(pairs: Motions) -> Transform:
    """Tsai & Lenz: the rotation by modified Rodrigues vectors, then the translation."""
    a, b = (_rodrigues(vectors) for vectors in pairs.vectors)
    half = np.linalg.lstsq(_cross(a + b).reshape(-1, 3), (b - a).ravel(), rcond=None)[0]
    p = 2.0 * half / np.sqrt(1.0 + half @ half)
    rotation = (1.0 - p @ p / 2.0) * np.eye(3) + 0.5 * (
        np.outer(p, p) + np.sqrt(max(4.0 - float(p @ p), 0.0)) * _cross(p)
    )
    return _with_translation(_nearest_rotation(rotation), pairs)


def park(pairs: Motions) -> Transform:
    """Park & Martin: the rotation that maps the logarithms of B onto those of A."""
    a, b = pairs.vectors
    return _with_translation(_nearest_rotation(a.T @ b), pairs)


def horaud(pairs: Motions) -> Transform:
    """Horaud & Dornaika: the unit quaternion, an eigenvector, then the translation."""
    a, b = (_with_length_one(vectors) for vectors in pairs.vectors)
    matrix = _left(_pure(a)) - _right(_pure(b))
    total = np.einsum("nki,nkj->ij", matrix, matrix)
    w, x, y, z = np.linalg.eigh(total)[1][:, 0]
    return _with_translation(Rotation.from_quat([x, y, z, w]).as_matrix(), pairs)


def andreff(pairs: Motions) -> Transform:
    """Andreff et al.: rotation and translation together, linear in the rotation's elements."""
    rows, right = [], []
    for hand, hand_m, board, board_m in zip(
        pairs.hand, pairs.hand_m, pairs.board, pairs.board_m, strict=True
    ):
        turn = np.kron(hand, np.eye(3)) - np.kron(np.eye(3), board.T)
        rows.append(np.hstack([turn, np.zeros((9, 3))]))
        rows.append(np.hstack([np.kron(np.eye(3), board_m[None]), np.eye(3) - hand]))
        right += [np.zeros(9), hand_m]
    found = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=None)[0]
    return _with_translation(_nearest_rotation(found[:9].reshape(3, 3)), pairs)


def daniilidis(pairs: Motions) -> Transform:
    """Daniilidis: the unit dual quaternion of rotation and translation together."""
    a, a_dual = _dual_vectors(pairs.hand, pairs.hand_m)
    b, b_dual = _dual_vectors(pairs.board, pairs.board_m)
    less, both = (a - b)[:, :, None], _cross(a + b)
    upper = np.concatenate([less, both, np.zeros((len(a), 3, 4))], axis=2)
    lower = np.concatenate([(a_dual - b_dual)[:, :, None], _cross(a_dual + b_dual)], axis=2)
    lower = np.concatenate([lower, less, both], axis=2)
    rows = np.concatenate([upper, lower]).reshape(-1, 8)
    last = np.linalg.svd(rows, full_matrices=False)[2][-2:]
    (u1, v1), (u2, v2) = ((one[:4], one[4:]) for one in last)
    # The two last singular vectors span the solution; two conditions choose within the span.
    options = np.roots([u1 @ v1, u1 @ v2 + u2 @ v1, u2 @ v2]) if abs(u1 @ v1) > 1e-12 else [0.0]
    lengths = [s**2 * (u1 @ u1) + 2 * s * (u1 @ u2) + u2 @ u2 for s in np.real(options)]
    best = int(np.argmax(lengths))
    second = 1.0 / np.sqrt(lengths[best])
    first = float(np.real(options[best])) * second
    q, dual = first * u1 + second * u2, first * v1 + second * v2
    translation = 2.0 * (_right(q * (1.0, -1.0, -1.0, -1.0)) @ dual)[1:]
    return Transform.from_rotation(Rotation.from_quat(np.roll(q, -1)).as_matrix(), translation)


METHODS: dict[str, Callable[[Motions], Transform]] = {
    "tsai": tsai,
    "park": park,
    "horaud": horaud,
    "andreff": andreff,
    "daniilidis": daniilidis,
}


def _with_translation(rotation: Matrix, pairs: Motions) -> Transform:
    """The translation of least squares for a rotation."""
    rows = (pairs.hand - np.eye(3)).reshape(-1, 3)
    right = (pairs.board_m @ rotation.T - pairs.hand_m).ravel()
    return Transform.from_rotation(rotation, np.linalg.lstsq(rows, right, rcond=None)[0])


def _nearest_rotation(matrix: Matrix) -> Matrix:
    u, _, vt = np.linalg.svd(matrix)
    return np.asarray(u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt)


def _with_length_one(vectors: Matrix) -> Matrix:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _rodrigues(vectors: Matrix) -> Matrix:
    angles = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(2.0 * np.sin(angles / 2.0) * _with_length_one(vectors))


def _cross(v: Matrix) -> Matrix:
    """Matrices of ``v x``, shape (..., 3) -> (..., 3, 3)."""
    x, y, z = np.moveaxis(v, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def _pure(vectors: Matrix) -> Matrix:
    """Vectors as quaternions w, x, y, z."""
    return np.concatenate([np.zeros((len(vectors), 1)), vectors], axis=1)


def _left(q: Matrix) -> Matrix:
    """Matrices of ``q * p`` for quaternions w, x, y, z, shape (..., 4) -> (..., 4, 4)."""
    return _product(q, 1.0)


def _right(q: Matrix) -> Matrix:
    """Matrices of ``p * q``."""
    return _product(q, -1.0)


def _product(q: Matrix, sign: float) -> Matrix:
    matrix = q[..., :1, None] * np.eye(4)
    matrix[..., 0, 1:] -= q[..., 1:]
    matrix[..., 1:, 0] += q[..., 1:]
    matrix[..., 1:, 1:] += sign * _cross(q[..., 1:])
    return np.asarray(matrix)


def _dual_vectors(rotations: Matrix, offsets_m: Matrix) -> tuple[Matrix, Matrix]:
    """Vector parts of unit dual quaternions, their real part's scalar not negative."""
    xyzw = Rotation.from_matrix(rotations).as_quat(canonical=True)
    real = np.roll(xyzw, 1, axis=1)
    dual = 0.5 * np.einsum("nij,nj->ni", _left(_pure(offsets_m)), real)
    return real[:, 1:], dual[:, 1:]
