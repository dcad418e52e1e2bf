"""The grasp rectangle: one type, its corners, overlap, angle and suppression.

Conventions: pixels of the published colour image, u right and v down. ``width`` is the jaw
opening along the angle axis, ``height`` the jaw size across it. ``angle`` is in (-pi/2, pi/2],
measured from +u towards +v, a right-handed turn about the optical +Z axis.
Source: Jiang, Moseson, Saxena, "Efficient grasping from RGBD images", ICRA 2011.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

ANGLE_TOLERANCE_RAD = math.radians(30.0)
JACCARD_THRESHOLD = 0.25
_BLOCK = 32  # candidates that suppression compares at a time
_ROUNDING = 1e-9


def wrap_angle(angle: ArrayLike) -> NDArray[np.float64]:
    """Map angles in radians to (-pi/2, pi/2]: a jaw axis has no direction."""
    return np.pi / 2 - np.mod(np.pi / 2 - np.asarray(angle, dtype=np.float64), np.pi)


def angle_difference(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Smallest turn between two jaw axes, radians in [0, pi/2], broadcasting."""
    return np.abs(wrap_angle(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)))


@dataclass(frozen=True)
class GraspRectangle:
    """A grasp in the image plane.

    Attributes:
        u: Centre column, pixels.
        v: Centre row, pixels.
        width: Jaw opening along the angle axis, pixels, > 0.
        height: Jaw size across the angle axis, pixels, > 0.
        angle: Opening axis, radians; any finite value is wrapped to (-pi/2, pi/2].
    """

    u: float
    v: float
    width: float
    height: float
    angle: float

    def __post_init__(self) -> None:
        """Wrap the angle and check the values.

        Raises:
            ValueError: A value is not finite, or width or height is not above 0.
        """
        values = (self.u, self.v, self.width, self.height, self.angle)
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"a grasp rectangle needs finite values, got {values}")
        if self.width <= 0.0 or self.height <= 0.0:
            raise ValueError(
                f"width and height must be above 0 px, got {self.width} and {self.height}"
            )
        object.__setattr__(self, "angle", float(wrap_angle(self.angle)))

    @classmethod
    def from_corners(cls, corners: ArrayLike) -> GraspRectangle:
        """Build from four corners (u, v), shape (4, 2), the first edge along the opening.

        Corner order may run either way round, as in the Cornell label files; labels that are not
        quite rectangular are averaged over opposite edges.

        Raises:
            ValueError: The corners are not finite or enclose no area.
        """
        points = np.asarray(corners, dtype=np.float64)
        if points.shape != (4, 2):
            raise ValueError(f"corners must have shape (4, 2), got {points.shape}")
        opening = (points[1] - points[0] + points[2] - points[3]) / 2.0
        jaw = (points[2] - points[1] + points[3] - points[0]) / 2.0
        centre = points.mean(axis=0)
        return cls(
            float(centre[0]),
            float(centre[1]),
            float(np.hypot(*opening)),
            float(np.hypot(*jaw)),
            math.atan2(opening[1], opening[0]),
        )

    def resized(self, scale: float) -> GraspRectangle:
        """The same grasp in a picture that was resized by a factor.

        Pixel centres have whole coordinates, so the picture grows about its corner at -0.5, -0.5.
        """
        return GraspRectangle(
            (self.u + 0.5) * scale - 0.5,
            (self.v + 0.5) * scale - 0.5,
            self.width * scale,
            self.height * scale,
            self.angle,
        )

    @property
    def axis(self) -> NDArray[np.float64]:
        """Unit vector of the opening, (u, v), shape (2,)."""
        return np.array([math.cos(self.angle), math.sin(self.angle)])

    @property
    def corners(self) -> NDArray[np.float64]:
        """Four corners (u, v), shape (4, 2), the first edge along the opening."""
        return corners_of(rectangles_to_array([self]))[0]

    @property
    def jaw_ends(self) -> NDArray[np.float64]:
        """Centres of the two jaws (u, v), shape (2, 2): minus end, then plus end of the axis."""
        centre, reach = np.array([self.u, self.v]), 0.5 * self.width * self.axis
        return np.stack([centre - reach, centre + reach])


def rectangles_to_array(rectangles: list[GraspRectangle]) -> NDArray[np.float64]:
    """Stack rectangles as rows (u, v, width, height, angle), shape (N, 5)."""
    rows = [(r.u, r.v, r.width, r.height, r.angle) for r in rectangles]
    return np.array(rows, dtype=np.float64).reshape(-1, 5)


def corners_of(rows: ArrayLike) -> NDArray[np.float64]:
    """Corners of rectangle rows, shape (N, 5) -> (N, 4, 2), first edge along the opening."""
    rows = np.asarray(rows, dtype=np.float64).reshape(-1, 5)
    cos, sin = np.cos(rows[:, 4]), np.sin(rows[:, 4])
    along = 0.5 * rows[:, 2, None] * np.stack([cos, sin], axis=-1)
    across = 0.5 * rows[:, 3, None] * np.stack([-sin, cos], axis=-1)
    centre = rows[:, :2]
    return np.stack(
        [
            centre - along - across,
            centre + along - across,
            centre + along + across,
            centre - along + across,
        ],
        axis=1,
    )


def paired_iou(rows_a: ArrayLike, rows_b: ArrayLike) -> NDArray[np.float64]:
    """Exact Jaccard index of rectangle pairs.

    The boundary of the intersection is made of the part of each polygon's edges inside the
    other, so its area is a sum of edge integrals (Green's theorem). Edges that lie on each other
    are counted once, when they run in the same direction.

    Args:
        rows_a: Shape (N, 5), rows (u, v, width, height, angle).
        rows_b: Shape (N, 5).

    Returns:
        Shape (N,), in [0, 1].
    """
    rows_a = np.asarray(rows_a, dtype=np.float64).reshape(-1, 5)
    rows_b = np.asarray(rows_b, dtype=np.float64).reshape(-1, 5)
    # Work about a common origin at unit scale, so that tolerances mean the same everywhere.
    scale = np.maximum(rows_a[:, 2:4].max(axis=1), rows_b[:, 2:4].max(axis=1))
    a, b = rows_a.copy(), rows_b.copy()
    a[:, :2] = (rows_a[:, :2] - rows_b[:, :2]) / scale[:, None]
    b[:, :2] = 0.0
    a[:, 2:4] /= scale[:, None]
    b[:, 2:4] /= scale[:, None]
    corners_a, corners_b = corners_of(a), corners_of(b)
    intersection = _edge_integral(corners_a, corners_b, keep_shared=True)
    intersection += _edge_integral(corners_b, corners_a, keep_shared=False)
    area_a, area_b = a[:, 2] * a[:, 3], b[:, 2] * b[:, 3]
    intersection = np.clip(intersection, 0.0, np.minimum(area_a, area_b))
    return intersection / (area_a + area_b - intersection)


def iou_matrix(rows_a: ArrayLike, rows_b: ArrayLike) -> NDArray[np.float64]:
    """Exact Jaccard index of every pair, shapes (N, 5) and (M, 5) -> (N, M)."""
    rows_a = np.asarray(rows_a, dtype=np.float64).reshape(-1, 5)
    rows_b = np.asarray(rows_b, dtype=np.float64).reshape(-1, 5)
    n, m = len(rows_a), len(rows_b)
    return paired_iou(np.repeat(rows_a, m, axis=0), np.tile(rows_b, (n, 1))).reshape(n, m)


def _edge_integral(
    subject: NDArray[np.float64], clip: NDArray[np.float64], *, keep_shared: bool
) -> NDArray[np.float64]:
    """Integral of (x dy - y dx) / 2 along the edges of ``subject`` inside the convex ``clip``.

    Args:
        subject: Shape (N, 4, 2), positively oriented.
        clip: Shape (N, 4, 2), positively oriented.
        keep_shared: Whether parts that lie on an edge of ``clip`` in its direction count.
    """
    parallel_tolerance = 1e-12
    on_line_tolerance = 1e-9
    start = subject[:, :, None, :]
    step = (np.roll(subject, -1, axis=1) - subject)[:, :, None, :]
    origin = clip[:, None, :, :]
    edge = (np.roll(clip, -1, axis=1) - clip)[:, None, :, :]
    length = np.linalg.norm(edge, axis=-1)
    # Signed distance from each clip line is side + t * slope; inside means >= 0.
    side = _cross(edge, start - origin) / length
    slope = _cross(edge, step) / length
    parallel = np.abs(slope) < parallel_tolerance
    on_line = parallel & (np.abs(side) < on_line_tolerance)
    same_way = np.sum(edge * step, axis=-1) > 0.0
    outside = parallel & np.where(on_line, ~(same_way & keep_shared), side < 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -side / slope
    enter = np.where(~parallel & (slope > 0.0), crossing, 0.0).max(axis=-1)
    leave = np.where(~parallel & (slope < 0.0), crossing, 1.0).min(axis=-1)
    span = np.where(outside.any(axis=-1), 0.0, np.clip(leave - np.maximum(enter, 0.0), 0.0, None))
    return 0.5 * np.sum(_cross(start[:, :, 0], step[:, :, 0]) * span, axis=-1)


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def matches(
    predicted: ArrayLike,
    labels: ArrayLike,
    *,
    jaccard: float = JACCARD_THRESHOLD,
    angle: float = ANGLE_TOLERANCE_RAD,
) -> NDArray[np.bool_]:
    """The rectangle metric: whether each prediction agrees with any label.

    Args:
        predicted: Shape (N, 5).
        labels: Shape (M, 5).
        jaccard: The Jaccard index must exceed this.
        angle: The jaw axes must differ by less than this, radians.

    Returns:
        Shape (N,), bool.
    """
    predicted = np.asarray(predicted, dtype=np.float64).reshape(-1, 5)
    labels = np.asarray(labels, dtype=np.float64).reshape(-1, 5)
    turn = angle_difference(predicted[:, None, 4], labels[None, :, 4])
    agree = (iou_matrix(predicted, labels) > jaccard) & (turn < angle)
    return np.asarray(agree.any(axis=1))


def suppress(
    rows: ArrayLike,
    scores: ArrayLike,
    *,
    jaccard: float,
    angle: float = np.pi / 2,
    limit: int | None = None,
) -> NDArray[np.intp]:
    """Rotated non-maximum suppression, best score first.

    A candidate is dropped when a kept one overlaps it by more than ``jaccard`` and their axes
    differ by less than ``angle`` (the default ignores the axes).

    Returns:
        Indices kept, in descending order of score, at most ``limit``.
    """
    rows = np.asarray(rows, dtype=np.float64).reshape(-1, 5)
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    kept: list[int] = []
    # In blocks: one call for many pairs, and none for candidates that the limit never reaches.
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        earlier = np.concatenate([np.array(kept, dtype=np.intp), block])
        clashes = _overlap_more(rows[earlier], rows[block], jaccard, angle)
        dropped = np.asarray(clashes[: len(kept)].any(axis=0))
        among = clashes[len(kept) :]
        for place, index in enumerate(block):
            if dropped[place]:
                continue
            if len(kept) == limit:
                return np.array(kept, dtype=np.intp)
            kept.append(int(index))
            dropped |= among[place]
    return np.array(kept, dtype=np.intp)


def _overlap_more(
    a: NDArray[np.float64], b: NDArray[np.float64], jaccard: float, angle: float
) -> NDArray[np.bool_]:
    """Which pairs overlap by more than ``jaccard`` with axes at most ``angle`` apart, (N, M).

    The exact index is computed only where a bound does not settle it: the intersection lies in
    that of ``a`` and the box round ``b`` along the sides of ``a``.
    """
    turn = angle_difference(a[:, None, 4], b[None, :, 4])
    cos, sin = np.cos(a[:, 4])[:, None], np.sin(a[:, 4])[:, None]
    du, dv = b[:, 0] - a[:, :1], b[:, 1] - a[:, 1:2]
    half_a, half_b = a[:, 2:4] / 2.0, b[:, 2:4] / 2.0
    along = half_b[:, 0] * np.cos(turn) + half_b[:, 1] * np.sin(turn)
    across = half_b[:, 0] * np.sin(turn) + half_b[:, 1] * np.cos(turn)
    bound = np.ones(turn.shape)
    for offset, mine, other in (
        (du * cos + dv * sin, half_a[:, :1], along),
        (dv * cos - du * sin, half_a[:, 1:], across),
    ):
        low = np.maximum(-mine, offset - other)
        bound *= np.clip(np.minimum(mine, offset + other) - low, 0.0, None)
    areas = (a[:, 2] * a[:, 3])[:, None] + b[:, 2] * b[:, 3]
    # The index grows with the intersection: i / (areas - i) > j  <=>  i (1 + j) > j areas.
    possible = bound * (1.0 + jaccard) >= jaccard * areas * (1.0 - _ROUNDING)
    first, second = np.nonzero((turn <= angle) & possible)
    clashes = np.zeros(turn.shape, dtype=np.bool_)
    clashes[first, second] = paired_iou(a[first], b[second]) > jaccard
    return clashes
