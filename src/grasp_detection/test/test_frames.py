"""Pictures from files: what is read, and what is wrong with what cannot be."""

import json

import cv2
import numpy as np
import pytest
from recorded import write_frame

from grasp_core.errors import BadCalibration, BadImage, ConfigError
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.frames import (
    read_intrinsics,
    read_picture,
    read_recorded,
    recorded_frames,
)
from grasp_detection.picture_sources import find_pictures

INTRINSICS = "615,615,319.5,239.5"
SIZE = (480, 640)


@pytest.fixture
def folder(tmp_path, scene, solids, world_from_camera):
    box, _ = solids
    frame = scene(box(0.0, 0.0, 0.04, 0.1, 0.05))
    return write_frame(tmp_path / "frames" / "block", frame, world_from_camera(0.0))


def test_a_recorded_frame_is_read(folder):
    frame = read_recorded(folder)
    assert frame.name == "block"
    assert frame.color.shape == (480, 640, 3)
    assert frame.depth_m[240, 320] == pytest.approx(0.70, abs=0.001)
    assert frame.camera.fx == 615.0
    assert frame.support.offset_m == pytest.approx(0.75)
    assert frame.source == "some/body, Traced"
    assert recorded_frames(folder.parent) == [folder]


def test_what_a_recorded_frame_lacks_is_told(folder):
    (folder / "depth.png").unlink()
    with pytest.raises(DatasetError, match=r"block lacks depth\.png"):
        read_recorded(folder)
    with pytest.raises(DatasetError, match="holds no folder with"):
        recorded_frames(folder)


def test_no_support_is_none_and_a_wrong_one_is_refused(folder):
    path = folder / "support.json"
    path.write_text('{"normal": null, "offset_m": null}')
    assert read_recorded(folder).support is None
    path.write_text('{"normal": [0, 0, 1], "offset_m": 0.7}')
    with pytest.raises(DatasetError, match="towards the camera"):
        read_recorded(folder)


def test_a_picture_with_depth_needs_intrinsics(folder):
    color, depth = folder / "color.png", folder / "depth.png"
    frame = read_picture(color, depth, INTRINSICS)
    assert frame.depth_m.shape == SIZE
    with pytest.raises(BadCalibration, match="intrinsics"):
        read_picture(color, depth)
    assert read_picture(color).depth_m is None


def test_depth_of_another_size_is_refused(folder):
    cv2.imwrite(str(folder / "small.png"), np.full((240, 320), 700, np.uint16))
    with pytest.raises(BadImage, match="320x240 px, its colour picture 640x480"):
        read_picture(folder / "color.png", folder / "small.png", INTRINSICS)


@pytest.mark.parametrize(
    ("values", "unit", "said"),
    [
        (np.full(SIZE, 700, np.uint16), "m", "millimetres published as metres .*--depth-unit mm"),
        (np.full(SIZE, 7000, np.uint16), "mm", None),
        (np.full(SIZE, 60000, np.uint16), "mm", "outside the 0.10 to 10.00 m"),
        (np.zeros(SIZE, np.uint16), "auto", "no valid depth"),
    ],
)
def test_a_wrong_unit_is_told(folder, values, unit, said):
    path = folder / "other.png"
    cv2.imwrite(str(path), values)
    if said is None:
        frame = read_picture(folder / "color.png", path, INTRINSICS, unit)
        assert frame.depth_m[0, 0] == pytest.approx(7.0)
        return
    with pytest.raises(BadImage, match=said):
        read_picture(folder / "color.png", path, INTRINSICS, unit)


def test_floats_are_metres_unless_told_otherwise(folder):
    path = folder / "other.tiff"
    cv2.imwrite(str(path), np.full(SIZE, 700.0, np.float32))
    frame = read_picture(folder / "color.png", path, INTRINSICS, "mm")
    assert frame.depth_m[0, 0] == pytest.approx(0.7)
    with pytest.raises(ConfigError, match="no depth unit 'inch'"):
        read_picture(folder / "color.png", path, INTRINSICS, "inch")


def test_an_unreadable_picture_is_told(folder):
    path = folder / "cut.png"
    path.write_bytes((folder / "color.png").read_bytes()[:500])
    with pytest.raises(DatasetError, match=r"cut\.png is truncated"):
        read_picture(path)
    with pytest.raises(DatasetError, match=r"cannot read .*nothing\.png: No such file"):
        read_picture(folder / "nothing.png")


def test_intrinsics_come_as_numbers_or_files(tmp_path):
    camera = read_intrinsics(INTRINSICS, SIZE)
    assert (camera.width, camera.height, camera.fx, camera.cy) == (640, 480, 615.0, 239.5)
    ros = tmp_path / "ros.yaml"
    ros.write_text(
        "image_width: 640\nimage_height: 480\ncamera_matrix: {data: [615, 0, 319.5, 0, 615, "
        "239.5, 0, 0, 1]}\ndistortion_coefficients: {data: [0.1, 0, 0, 0, 0]}\n"
    )
    read = read_intrinsics(str(ros), SIZE)
    assert (read.fx, read.cx, read.distortion[0]) == (615.0, 319.5, 0.1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("615,615,319.5", "neither a file nor four numbers"),
        ("615,fy,319.5,239.5", "neither a file nor four numbers"),
        ("61.5,615,319.5,239.5", "ratio"),
    ],
)
def test_intrinsics_that_cannot_be_are_refused(given, said):
    with pytest.raises(BadCalibration, match=said):
        read_intrinsics(given, SIZE)


def test_intrinsics_of_another_resolution_are_refused(folder):
    path = folder / "camera.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "width": 1280, "height": 720}))
    with pytest.raises(BadCalibration, match="1280x720 px, this one is 640x480"):
        read_recorded(folder)
    path.write_text('{"width": 640, "height": 480, "fx": 615}')
    with pytest.raises(BadCalibration, match="no usable fx, fy, cx, cy"):
        read_recorded(folder)


def test_a_folder_stands_for_what_is_in_it(folder):
    (found,) = find_pictures([folder.parent])
    assert (found.name, found.path, found.has_depth) == ("block", folder, True)
    (found,) = find_pictures([folder / "color.png"])
    assert (found.name, found.has_depth) == ("color", False)
    assert found.read().color.shape == (480, 640, 3)


def test_depth_pictures_of_the_same_names_belong_together(tmp_path, folder):
    for kind in ("color", "depth"):
        (tmp_path / kind).mkdir()
        for name in ("a", "b"):
            (tmp_path / kind / f"{name}.png").write_bytes((folder / f"{kind}.png").read_bytes())
    found = find_pictures([tmp_path / "color"], tmp_path / "depth", INTRINSICS)
    assert [one.depth.name for one in found] == ["a.png", "b.png"]
    assert found[1].read().depth_m.shape == SIZE
    with pytest.raises(ConfigError, match="one depth picture for 2 pictures"):
        find_pictures([tmp_path / "color"], tmp_path / "depth" / "a.png", INTRINSICS)
    (tmp_path / "depth" / "b.png").unlink()
    with pytest.raises(ConfigError, match="holds no depth picture b"):
        find_pictures([tmp_path / "color"], tmp_path / "depth", INTRINSICS)


def test_what_does_not_belong_together_is_refused(tmp_path, folder):
    (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match="neither pictures"):
        find_pictures([tmp_path / "none"])
    with pytest.raises(ConfigError, match="the same name block"):
        find_pictures([folder, folder])
    with pytest.raises(ConfigError, match="beside recorded frames"):
        find_pictures([folder], folder / "depth.png", INTRINSICS)
    with pytest.raises(ConfigError, match="intrinsics without a depth picture"):
        find_pictures([folder / "color.png"], intrinsics=INTRINSICS)
