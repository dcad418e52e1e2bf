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

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from grasp_core.transform import Transform

_LEAST_TURN_RAD = math.radians(3.0)  # smaller turns have no axis that can be told from noise

Motion = tuple[Transform, Transform]
Matrix = NDArray[np.float64]


def motions(carriers: Sequence[Transform], boards: Sequence[Transform]) -> list[Motion]:
    """Motions (A, B) between all pairs of views that turn the hand.

    Args:
        carriers: A of ``A X T_camera_board = Z`` of each view.
        boards: ``T_camera_board`` of each view.
    """
    found = []
    for first in range(len(carriers)):
        for second in range(first + 1, len(carriers)):
            hand = carriers[second].inverse() @ carriers[first]
            board = boards[second] @ boards[first].inverse()
            if Rotation.from_matrix(hand.rotation).magnitude() >= _LEAST_TURN_RAD:
                found.append((hand, board))
    return found


def tsai(pairs: Sequence[Motion]) -> Transform:
    """Tsai & Lenz: the rotation by modified Rodrigues vectors, then the translation."""
    rows, right = [], []
    for hand, board in pairs:
        a, b = (_rodrigues(one) for one in (hand, board))
        rows.append(_cross(a + b))
        right.append(b - a)
    half = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=None)[0]
    p = 2.0 * half / np.sqrt(1.0 + half @ half)
    rotation = (1.0 - p @ p / 2.0) * np.eye(3) + 0.5 * (
        np.outer(p, p) + np.sqrt(max(4.0 - float(p @ p), 0.0)) * _cross(p)
    )
    return _with_translation(_nearest_rotation(rotation), pairs)


def park(pairs: Sequence[Motion]) -> Transform:
    """Park & Martin: the rotation that maps the logarithms of B onto those of A."""
    a, b = (np.array([_logarithm(pair[k]) for pair in pairs]) for k in (0, 1))
    return _with_translation(_nearest_rotation(a.T @ b), pairs)


def horaud(pairs: Sequence[Motion]) -> Transform:
    """Horaud & Dornaika: the unit quaternion, an eigenvector, then the translation."""
    total = np.zeros((4, 4))
    for hand, board in pairs:
        a, b = (_axis(one) for one in (hand, board))
        matrix = _left(np.append(0.0, a)) - _right(np.append(0.0, b))
        total += matrix.T @ matrix
    w, x, y, z = np.linalg.eigh(total)[1][:, 0]
    return _with_translation(Rotation.from_quat([x, y, z, w]).as_matrix(), pairs)


def andreff(pairs: Sequence[Motion]) -> Transform:
    """Andreff et al.: rotation and translation together, linear in the rotation's elements."""
    rows, right = [], []
    for hand, board in pairs:
        turn = np.kron(hand.rotation, np.eye(3)) - np.kron(np.eye(3), board.rotation.T)
        rows.append(np.hstack([turn, np.zeros((9, 3))]))
        right.append(np.zeros(9))
        shift = np.kron(np.eye(3), board.translation[None])
        rows.append(np.hstack([shift, np.eye(3) - hand.rotation]))
        right.append(hand.translation)
    found = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=None)[0]
    return _with_translation(_nearest_rotation(found[:9].reshape(3, 3)), pairs)


def daniilidis(pairs: Sequence[Motion]) -> Transform:
    """Daniilidis: the unit dual quaternion of rotation and translation together."""
    rows = []
    for hand, board in pairs:
        (a, a_dual), (b, b_dual) = (_dual_vector(one) for one in (hand, board))
        rows.append(np.hstack([(a - b)[:, None], _cross(a + b), np.zeros((3, 4))]))
        rows.append(
            np.hstack([(a_dual - b_dual)[:, None], _cross(a_dual + b_dual), (a - b)[:, None],
                       _cross(a + b)])
        )  # fmt: skip
    last = np.linalg.svd(np.concatenate(rows), full_matrices=False)[2][-2:]
    (u1, v1), (u2, v2) = ((one[:4], one[4:]) for one in last)
    # The two last singular vectors span the solution; two conditions choose within the span.
    options = np.roots([u1 @ v1, u1 @ v2 + u2 @ v1, u2 @ v2]) if abs(u1 @ v1) > 1e-12 else [0.0]
    lengths = [s**2 * (u1 @ u1) + 2 * s * (u1 @ u2) + u2 @ u2 for s in np.real(options)]
    best = int(np.argmax(lengths))
    second = 1.0 / np.sqrt(lengths[best])
    first = float(np.real(options[best])) * second
    q, dual = first * u1 + second * u2, first * v1 + second * v2
    translation = 2.0 * (_right(_conjugate(q)) @ dual)[1:]
    return Transform.from_rotation(Rotation.from_quat(np.roll(q, -1)).as_matrix(), translation)


METHODS: dict[str, Callable[[Sequence[Motion]], Transform]] = {
    "tsai": tsai,
    "park": park,
    "horaud": horaud,
    "andreff": andreff,
    "daniilidis": daniilidis,
}


def _with_translation(rotation: Matrix, pairs: Sequence[Motion]) -> Transform:
    """The translation of least squares for a rotation."""
    rows = np.concatenate([hand.rotation - np.eye(3) for hand, _ in pairs])
    right = np.concatenate(
        [rotation @ board.translation - hand.translation for hand, board in pairs]
    )
    return Transform.from_rotation(rotation, np.linalg.lstsq(rows, right, rcond=None)[0])


def _nearest_rotation(matrix: Matrix) -> Matrix:
    u, _, vt = np.linalg.svd(matrix)
    return np.asarray(u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt)


def _logarithm(transform: Transform) -> Matrix:
    return Rotation.from_matrix(transform.rotation).as_rotvec()


def _axis(transform: Transform) -> Matrix:
    vector = _logarithm(transform)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _rodrigues(transform: Transform) -> Matrix:
    angle = float(np.linalg.norm(_logarithm(transform)))
    return 2.0 * np.sin(angle / 2.0) * _axis(transform)


def _cross(v: Matrix) -> Matrix:
    return np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])


def _left(q: Matrix) -> Matrix:
    """Matrix of ``q * p`` for quaternions w, x, y, z."""
    matrix = np.zeros((4, 4))
    matrix[0, 1:], matrix[1:, 0], matrix[1:, 1:] = -q[1:], q[1:], _cross(q[1:])
    return matrix + q[0] * np.eye(4)


def _right(q: Matrix) -> Matrix:
    """Matrix of ``p * q`` for quaternions w, x, y, z."""
    matrix = np.zeros((4, 4))
    matrix[0, 1:], matrix[1:, 0], matrix[1:, 1:] = -q[1:], q[1:], -_cross(q[1:])
    return matrix + q[0] * np.eye(4)


def _conjugate(q: Matrix) -> Matrix:
    return q * (1.0, -1.0, -1.0, -1.0)


def _dual_vector(transform: Transform) -> tuple[Matrix, Matrix]:
    """Vector parts of a motion's unit dual quaternion, its real part's scalar not negative."""
    x, y, z, w = transform.quaternion
    real = np.array([w, x, y, z])
    dual = 0.5 * _left(np.append(0.0, transform.translation)) @ real
    return real[1:], dual[1:]
