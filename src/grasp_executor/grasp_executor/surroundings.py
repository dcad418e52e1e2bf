"""What surrounds the arm in one pick: the cell's solids, what the camera saw, what it did not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from grasp_core.cell import Cell
from grasp_core.errors import PlanningFailed
from grasp_core.height_map import HeightMap
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_core.unseen import Unseen, unseen_columns
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.interfaces import Observation
from grasp_executor.planning.obstacles import boxes_from_heights, obstacle_map, region_of
from grasp_executor.planning.unknown import unknown_boxes, view_bounds
from grasp_executor.scene import Box, CollisionScene

_VIEW_MARGIN_M = 0.08
_MAX_CARRIED_REACH_M = 0.08
_OBJECT_REACH_M = 0.15
_MAP_ERROR_M = 0.01  # heights of cells are the highest in them
_HOLE_M = 0.03  # no obstacle that counts fits into a narrower hole of the depth


@dataclass(frozen=True, eq=False)
class _View:
    """What one look showed, and what it left open."""

    heights: HeightMap
    unseen: Unseen


@dataclass(frozen=True, eq=False)
class Compared:
    """The same place twice.

    Attributes:
        before: Heights before the grasp.
        after: Heights after letting go, on the same grid.
        region: Cells of what was grasped, shape (R, C), before.
    """

    before: HeightMap
    after: HeightMap
    region: NDArray[np.bool_]


class Surroundings:
    """Obstacles of one pick: the cell's solids, what the camera saw, and what it did not see.

    Space that was not seen is an obstacle up to the cell's ``unknown_height_m``, or up to the rays
    that passed over it, unless the cell declares it free. Before the first look nothing but the
    cell's solids is known, and the arm must leave the camera's view to look at all: until then,
    the solids alone count.

    Attributes:
        show: Told the obstacles of every look, to draw them.
    """

    def __init__(self, robot: RobotModel, cell: Cell) -> None:
        self.show: Callable[[tuple[Box, ...]], None] = lambda boxes: None
        self._cell = cell
        self._fixtures = tuple(
            Box(solid.name, solid.size_m, Transform.from_translation(*solid.center))
            for solid in cell.solids()
        )
        self._base_contact = (robot.arm.base_frame, "table")
        self._finger_length_m = robot.gripper.finger_length_m
        self._finger_contacts = tuple((link, "table") for link in robot.gripper.finger_links)
        self._view: _View | None = None

    def see(self, observation: Observation) -> None:
        """Take over the heights of an observation."""
        cell, camera, T_base_camera = (
            self._cell,
            observation.camera,
            observation.T_base_camera,
        )
        heights = obstacle_map(
            observation.depth_m,
            camera,
            T_base_camera,
            bounds=view_bounds(camera, T_base_camera, cell, _VIEW_MARGIN_M),
            support_z=cell.support_z_m,
        )
        unseen = unseen_columns(
            heights,
            observation.depth_m,
            camera,
            heights.T_frame_support.inverse() @ T_base_camera,
            most_m=cell.unknown_height_m,
            hole_m=_HOLE_M,
        )
        self._view = _View(heights, unseen)
        self.show(self._without(None))

    def compared(self, observation: Observation, target: GraspTarget) -> Compared | None:
        """What an image after letting go shows, beside what was seen before the grasp.

        Args:
            observation: The image.
            target: The grasp.

        Returns:
            None where nothing was seen before.
        """
        before = self._map
        if before is None:
            return None
        grid = before.grid
        after = obstacle_map(
            observation.depth_m,
            observation.camera,
            observation.T_base_camera,
            bounds=(
                grid.x0_m,
                grid.x0_m + grid.columns * grid.cell_m,
                grid.y0_m,
                grid.y0_m + grid.rows * grid.cell_m,
            ),
            support_z=self._cell.support_z_m,
            cell_m=grid.cell_m,
        )
        return Compared(before, after, self._held(before, target))

    @property
    def _map(self) -> HeightMap | None:
        return None if self._view is None else self._view.heights

    def closed(self) -> CollisionScene:
        """Everything is an obstacle."""
        return CollisionScene(self._fixtures + self._seen(None), (self._base_contact,))

    def opened(self, point: NDArray[np.float64]) -> CollisionScene:
        """The region of the object at ``point`` is open, and fingers may come near the table."""
        return CollisionScene(
            self._fixtures + self._seen(point), (self._base_contact, *self._finger_contacts)
        )

    def carrying(self, target: GraspTarget) -> CollisionScene:
        """The object has left its place; what is too high to be of it stands where it was seen."""
        gone = None if self._map is None else self._held(self._map, target)
        return CollisionScene(
            self._fixtures + self._without(gone), (self._base_contact, *self._finger_contacts)
        )

    def ways_to_carry(self, target: GraspTarget) -> Iterator[tuple[CollisionScene, Box]]:
        """Obstacles, and the object as it hangs from the hand in the tcp frame; the safest first.

        All that is connected to the grasp may be the object. What is too high for that may be a
        neighbour: the object is then taken to be without it, and where that stands too close to
        be told from the object, it is no obstacle either.
        """
        tip = target.T_base_grasp.translation
        if self._map is None:
            box = self._box_about(target, _MAX_CARRIED_REACH_M, target.top_z_m)
            yield self.carrying(target), box
            return
        whole, held = self._region(self._map, tip), self._held(self._map, target)
        yield self.carrying(target), self._box_about(target, *self._map_extent(whole, tip))
        if not np.array_equal(whole, held):
            box = self._box_about(target, *self._map_extent(held, tip))
            yield self.carrying(target), box
            yield self.opened(tip), box

    def _box_about(self, target: GraspTarget, reach: float, top: float) -> Box:
        tip = target.T_base_grasp.translation
        below = float(tip[2]) - self._cell.support_z_m
        above = max(top - float(tip[2]), 0.0)
        center = Transform.from_translation(0.0, 0.0, (below - above) / 2)
        return Box("carried", (2 * reach, 2 * reach, below + above), center, padded=False)

    def carried_middle_m(self, target: GraspTarget) -> NDArray[np.float64]:
        """Horizontal way from the fingertips to the middle of what was seen, in the tcp frame."""
        tip = target.T_base_grasp.translation
        away = np.zeros(3)
        if self._map is not None:
            rows, columns = np.nonzero(self._region(self._map, tip))
            if rows.size:
                x, y = self._map.grid.centres()
                away[:2] = float(x[columns].mean()) - tip[0], float(y[rows].mean()) - tip[1]
        return np.asarray(target.T_base_grasp.rotation.T @ away)

    def _map_extent(
        self, region: NDArray[np.bool_], tip: NDArray[np.float64]
    ) -> tuple[float, float]:
        heights = self._require_map()
        rows, columns = np.nonzero(region)
        if rows.size == 0:
            return _MAX_CARRIED_REACH_M, float(tip[2])
        x, y = heights.grid.centres()
        reach = float(np.max(np.hypot(x[columns] - tip[0], y[rows] - tip[1])))
        reach += heights.grid.cell_m / 2
        top = self._cell.support_z_m + float(heights.height_m[region].max())
        return min(reach, _MAX_CARRIED_REACH_M), top

    def _require_map(self) -> HeightMap:
        if self._map is None:
            raise PlanningFailed("nothing was seen yet")
        return self._map

    def _seen(self, open_at: NDArray[np.float64] | None) -> tuple[Box, ...]:
        if self._map is None:
            return ()
        return self._without(None if open_at is None else self._region(self._map, open_at))

    def _without(self, gone: NDArray[np.bool_] | None) -> tuple[Box, ...]:
        """What was seen and what was not, but for some cells and what hides behind them."""
        if self._view is None:
            return ()
        heights, unseen = self._view.heights, self._view.unseen
        known = None
        if gone is not None:
            # Holes within an object are its own, and the fingers may come into its shadow.
            known = ndimage.binary_fill_holes(gone) | unseen.behind(gone)
        own = self._own_foot(heights)
        exclude = own if gone is None else own | gone
        return boxes_from_heights(heights, exclude=exclude) + unknown_boxes(
            heights, unseen, self._cell, known=known
        )

    def _own_foot(self, heights: HeightMap) -> NDArray[np.bool_]:
        """Cells of the free space in which the robot itself stands: what is seen there is it."""
        x, y = heights.grid.centres()
        own = np.zeros(heights.grid.shape, dtype=np.bool_)
        for box in self._cell.free_boxes():
            (x0, y0, _), (x1, y1, _) = (
                np.array(box.center) + sign * np.array(box.size_m) / 2.0 for sign in (-1.0, 1.0)
            )
            if x0 < 0.0 < x1 and y0 < 0.0 < y1:
                own |= ((x >= x0) & (x <= x1))[None, :] & ((y >= y0) & (y <= y1))[:, None]
        return own

    def _held(self, heights: HeightMap, target: GraspTarget) -> NDArray[np.bool_]:
        """What of the region at a grasp can be the object: no higher than the hand lets it be."""
        tip_z = float(target.T_base_grasp.translation[2])
        most = max(target.top_z_m, tip_z + self._finger_length_m) + _MAP_ERROR_M
        low_enough = heights.height_m + self._cell.support_z_m <= most
        return self._region(heights, target.T_base_grasp.translation) & low_enough

    def _region(self, heights: HeightMap, point: NDArray[np.float64]) -> NDArray[np.bool_]:
        """The object at a point: what is connected to it, steps in height included.

        What of it the hand would touch is checked against the depth points themselves; a step
        may be a neighbour as well as the object's own, so the region ends at a distance.
        """
        x, y = heights.grid.centres()
        near = np.hypot(x[None, :] - point[0], y[:, None] - point[1]) <= _OBJECT_REACH_M
        return near & region_of(heights, point[0], point[1], max_jump_m=math.inf)
