"""What hands, editors and downloads have made of Cornell's files."""

import cv2
import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.transform import Transform
from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.labels import read_corners
from grasp_detection.datasets.point_cloud import read_cloud
from grasp_detection.datasets.split import leaked_objects, make_split

RECTANGLES = [
    [(10, 10), (50, 14), (48, 30), (8, 26)],
    [(60, 60), (90, 60), (90, 75), (60, 75)],
    [(20, 90), (20, 60), (35, 60), (35, 90)],
]
SIZE = (48, 64)


def write(path, corners, mark=""):
    path.write_text(mark + "".join(f"{u} {v} \n" for u, v in corners), encoding="utf-8")
    return path


def flat(rectangles):
    return [corner for rectangle in rectangles for corner in rectangle]


def test_a_mark_of_byte_order_is_no_number(tmp_path):
    path = write(tmp_path / "pcd0100cpos.txt", flat(RECTANGLES), "\ufeff")
    assert np.array_equal(read_corners(path), np.array(RECTANGLES, float))


@pytest.mark.parametrize("lost", [4, 5, 6, 7])
@pytest.mark.parametrize("also", [[], [0, 1, 2]])
def test_a_lost_line_is_found_where_it_was(tmp_path, lost, also):
    # Also where so many lines are lost that four make a rectangle again.
    corners = flat([*RECTANGLES, *RECTANGLES])
    kept = [one for i, one in enumerate(corners) if i != lost]
    kept = kept[: len(kept) - len(also)]
    with pytest.raises(DatasetError, match=r"corners from line 5 are no rectangle"):
        read_corners(write(tmp_path / "pcd0100cpos.txt", kept))


def test_an_odd_rectangle_shifts_nothing(tmp_path):
    odd = [RECTANGLES[0], [(60, 60), (95, 60), (20, 75), (60, 75)], RECTANGLES[2]]
    assert len(read_corners(write(tmp_path / "pcd0100cpos.txt", flat(odd)))) == 3
    unknown = [RECTANGLES[0], [("NaN", "NaN")] * 4, RECTANGLES[2]]
    assert np.isnan(read_corners(write(tmp_path / "pcd0101cpos.txt", flat(unknown)))[1]).all()
    with pytest.raises(DatasetError, match="holds 11 corners"):
        read_corners(write(tmp_path / "pcd0102cpos.txt", flat(RECTANGLES)[:-1]))


def cloud_of(depth_m, path, *, header="DATA ascii", skip=()):
    """Write a depth image's points in a frame of the robot's."""
    camera = PinholeCamera(SIZE[1], SIZE[0], 70.0, 71.0, 30.5, 25.0)
    v, u = np.nonzero(np.isfinite(depth_m))
    z = depth_m[v, u]
    points = np.column_stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z])
    turn = cv2.Rodrigues(np.array([2.1, 0.4, -0.7]))[0]
    T_base_camera = Transform.from_rotation(turn, np.array([1.2, -0.3, 0.8]))
    points_mm = 1000.0 * T_base_camera.apply(points)
    index = v * SIZE[1] + u
    lines = [
        f"{x:.3f} {y:.3f} {z:.3f} 0 {i}" for (x, y, z), i in zip(points_mm, index, strict=True)
    ]
    head = ["# .PCD v.7 - Point Cloud Data file format", "FIELDS x y z rgb index", header]
    path.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    return path


def scene():
    """A box on a plane, with a hole in what was measured."""
    depth_m = (
        np.full(SIZE, 1.4, np.float32) + 0.003 * np.arange(SIZE[0], dtype=np.float32)[:, None]
    )
    depth_m[15:30, 20:40] = 1.25
    depth_m[2:6, 3:9] = np.nan
    return depth_m


def test_a_cloud_becomes_the_depth_image_it_was(tmp_path):
    depth_m = scene()
    found = read_cloud(cloud_of(depth_m, tmp_path / "pcd0100.txt"), SIZE)
    assert np.array_equal(np.isnan(found), np.isnan(depth_m))
    assert np.nanmax(np.abs(found - depth_m)) < 1e-4


def test_a_view_takes_its_depth_from_image_or_cloud(tmp_path):
    depth_m = scene()
    for number in ("0100", "0101"):
        cv2.imwrite(str(tmp_path / f"pcd{number}r.png"), np.zeros((*SIZE, 3), np.uint8))
        write(tmp_path / f"pcd{number}cpos.txt", flat(RECTANGLES[:1]))
    cloud_of(depth_m, tmp_path / "pcd0100.txt")
    dataset = CornellDataset(tmp_path)
    assert np.nanmax(np.abs(dataset.load(0).depth_m - depth_m)) < 1e-4
    assert dataset.load(1).depth_m is None
    cv2.imwrite(str(tmp_path / "pcd0100d.tiff"), depth_m + 1.0)
    assert np.nanmax(np.abs(dataset.load(0).depth_m - depth_m - 1.0)) < 1e-6


def test_what_is_no_cloud_of_the_picture_is_refused(tmp_path):
    path = cloud_of(scene(), tmp_path / "pcd0100.txt")
    with pytest.raises(DatasetError, match="has a point of pixel 3071, but its picture has 768"):
        read_cloud(path, (24, 32))
    with pytest.raises(DatasetError, match="no camera sees these points in their pixels"):
        read_cloud(path, (SIZE[0] * 2, SIZE[1] - 13))
    plane = np.full(SIZE, 1.4, np.float32)
    with pytest.raises(DatasetError, match="all points lie in one plane"):
        read_cloud(cloud_of(plane, tmp_path / "plane.txt"), SIZE)
    with pytest.raises(DatasetError, match="has no line 'DATA ascii'"):
        read_cloud(cloud_of(scene(), tmp_path / "binary.txt", header="DATA binary"), SIZE)
    path.write_text("DATA ascii\n1 2 3 0\n")
    with pytest.raises(DatasetError, match="lines of 4 numbers"):
        read_cloud(path, SIZE)
    path.write_text("DATA ascii\n1 2 3 0 5\n")
    with pytest.raises(DatasetError, match="holds 1 points"):
        read_cloud(path, SIZE)
    path.write_text("DATA ascii\n1 2 three 0 5\n")
    with pytest.raises(DatasetError, match="holds no points"):
        read_cloud(path, SIZE)
    with pytest.raises(DatasetError, match="No such file"):
        read_cloud(tmp_path / "missing.txt", SIZE)


def test_an_object_list_of_any_editor_splits_by_objects(bars):
    pictures = sorted({record.picture for record in CornellDataset(bars).records})
    lines = ["% picture object name", *(f"{p} {i // 3} thing" for i, p in enumerate(pictures))]
    (bars / "z.txt").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    dataset = CornellDataset(bars)
    split = make_split(dataset, "object-wise", (0.5, 0.25, 0.25))
    assert not leaked_objects(split, dataset.records)
    assert all(record.object for record in dataset.records)
