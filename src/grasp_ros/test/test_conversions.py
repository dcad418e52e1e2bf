"""Messages <-> core types: round trips, encodings, refusals."""

import math

import numpy as np
import pytest
from grasp_msgs.msg import Grasp as GraspMsg
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest

from grasp_core.camera import PinholeCamera
from grasp_core.errors import BadCalibration, BadImage
from grasp_core.grasp import Grasp, Level
from grasp_core.rectangle import GraspRectangle
from grasp_core.transform import Transform
from grasp_ros.conversions import (
    camera_from_info,
    camera_to_info,
    color_from_image,
    color_to_image,
    depth_from_image,
    depth_to_image,
    grasp_from_msg,
    grasp_to_msg,
    ns_to_stamp,
    pose_from_transform,
    stamp_to_ns,
    transform_from_msg,
    transform_from_pose,
    transform_to_msg,
)

COLOR = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def padded(image, extra):
    """The same image with unused bytes at the end of each row, as some drivers send it."""
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)
    rows = np.pad(rows, ((0, 0), (0, extra)))
    image.step += extra
    image.data = rows.tobytes()
    return image


def test_color_round_trip():
    assert np.array_equal(color_from_image(color_to_image(COLOR, 0, "c")), COLOR)
    assert np.array_equal(color_from_image(padded(color_to_image(COLOR, 0, "c"), 7)), COLOR)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8"])
def test_colour_is_published_in_the_cameras_encoding(encoding):
    color = np.random.default_rng(3).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    message = color_to_image(color, 7, "camera", encoding)
    assert message.encoding == encoding
    np.testing.assert_array_equal(color_from_image(message), color)


def test_colour_without_colours_is_its_luma():
    color = np.array([[[255, 255, 255], [255, 0, 0], [0, 0, 0]]], np.uint8)
    message = color_to_image(color, 7, "camera", "mono8")
    assert list(message.data) == [255, 76, 0]
    assert message.step == 3


def test_colour_is_not_published_in_an_unknown_encoding():
    with pytest.raises(BadImage, match="one of rgb8, bgr8, rgba8, bgra8, mono8, not 'yuv422'"):
        color_to_image(np.zeros((2, 2, 3), np.uint8), 7, "camera", "yuv422")


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("bgr8", COLOR[..., ::-1]),
        ("bgra8", np.dstack([COLOR[..., ::-1], COLOR[..., :1]])),
        ("rgba8", np.dstack([COLOR, COLOR[..., :1]])),
    ],
)
def test_color_orders_all_become_rgb(encoding, pixels):
    pixels = np.ascontiguousarray(pixels)
    image = Image(height=4, width=5, encoding=encoding, step=pixels.strides[0])
    image.data = pixels.tobytes()
    assert np.array_equal(color_from_image(image), COLOR)


def test_depth_means_the_same_in_all_encodings():
    depth = np.array([[0.5, np.nan, 1.234]], np.float32)
    for encoding in ("32FC1", "16UC1", "mono16"):
        again = depth_from_image(padded(depth_to_image(depth, 0, "c", encoding), 3))
        assert again == pytest.approx(depth, nan_ok=True, abs=1e-6)


def test_big_endian_depth_is_read():
    image = Image(height=1, width=2, encoding="16UC1", step=4, is_bigendian=1)
    image.data = np.array([1000, 2], ">u2").tobytes()
    assert depth_from_image(image)[0] == pytest.approx([1.0, 0.002])


@pytest.mark.parametrize(
    ("read", "encoding"), [(depth_from_image, "8UC1"), (color_from_image, "yuv422")]
)
def test_unknown_encodings_are_refused_by_name(read, encoding):
    with pytest.raises(BadImage, match=encoding):
        read(Image(height=1, width=1, step=1, encoding=encoding, data=[0]))


def test_truncated_and_empty_images_are_refused():
    image = color_to_image(COLOR, 0, "c")
    image.data = image.data[:-1]
    with pytest.raises(BadImage, match="bytes"):
        color_from_image(image)
    with pytest.raises(BadImage, match="empty"):
        depth_from_image(Image(encoding="16UC1"))


@pytest.mark.parametrize("distortion", [(), (0.1, 0.2, 0.3, 0.4, 0.5), (0.1,) * 8])
def test_camera_round_trip(distortion):
    camera = PinholeCamera(640, 480, 600.0, 601.0, 320.0, 241.0, distortion)
    assert camera_from_info(camera_to_info(camera, 0, "c")) == camera


def test_uncalibrated_and_fisheye_cameras_are_refused():
    with pytest.raises(BadCalibration, match="focal"):
        camera_from_info(CameraInfo(width=640, height=480))
    with pytest.raises(BadCalibration, match="equidistant"):
        camera_from_info(CameraInfo(distortion_model="equidistant"))


def info_of(**changes):
    """A calibration of 1280x960 px, changed."""
    camera = PinholeCamera(1280, 960, 1200.0, 1204.0, 650.0, 470.0, (0.1, -0.2, 0.0, 0.0, 0.0))
    info = camera_to_info(camera, 0, "c")
    info.p = [1100.0, 0.0, 640.0, 0.0, 0.0, 1100.0, 480.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    for name, value in changes.items():
        setattr(info, name, value)
    return info


def values_of(camera):
    return (camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)


def test_binning_and_region_of_interest_are_applied():
    half = camera_from_info(info_of(binning_x=2, binning_y=2))
    assert values_of(half) == (640, 480, 600.0, 602.0, 325.0, 235.0)
    assert half.distortion == (0.1, -0.2, 0.0, 0.0, 0.0)  # of the lens, whatever the pixels
    roi = RegionOfInterest(x_offset=300, y_offset=200, width=640, height=480)
    assert values_of(camera_from_info(info_of(roi=roi))) == (
        640,
        480,
        1200.0,
        1204.0,
        350.0,
        270.0,
    )
    both = camera_from_info(info_of(roi=roi, binning_x=2, binning_y=4))
    assert values_of(both) == (320, 120, 600.0, 301.0, 175.0, 67.5)


def test_the_same_ray_goes_through_the_pixel_wherever_it_is_counted():
    whole = camera_from_info(info_of())
    roi = RegionOfInterest(x_offset=300, y_offset=200, width=640, height=480)
    part = camera_from_info(info_of(roi=roi, binning_x=2, binning_y=2))
    assert part.rays((100.0, 60.0)) == pytest.approx(whole.rays((500.0, 320.0)))


def test_a_rectified_image_has_the_matrix_p_and_no_distortion():
    camera = camera_from_info(info_of(), rectified=True)
    assert values_of(camera) == (1280, 960, 1100.0, 1100.0, 640.0, 480.0)
    assert not camera.is_distorted


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"width": 640, "height": 480}, r"camera_info\.k has cx=650\.0 in an image of 640 px"),
        ({"k": [1200.0, 0, 640, 0, 1600.0, 480, 0, 0, 1]}, r"ratio of 1\.33, allowed is 1\.25"),
        ({"k": [1200.0, 0, 640, 0, 1200.0, 900, 0, 0, 1]}, r"cy=900\.0 in an image of 960 px"),
        ({"k": [120.0, 0, 640, 0, 120.0, 480, 0, 0, 1]}, r"0\.09 times camera_info\.width 1280"),
        ({"k": [1200.0, 9, 640, 0, 1200.0, 480, 0, 0, 1]}, r"camera_info\.k is \[\[1200"),
        ({"k": [1200.0, 0, 640, 0, 1200.0, 480, 0, 0, 0]}, r"camera_info\.k is \[\[1200"),
        (
            {"roi": RegionOfInterest(x_offset=700, width=640, height=960)},
            r"camera_info\.roi is 640x960 px at \(700, 0\), outside the 1280x960 px",
        ),
        ({"binning_x": 2000}, "binning_x and binning_y are 2000 and 1"),
    ],
)
def test_calibrations_that_contradict_themselves_are_refused_by_field(changes, told):
    info = info_of()
    for name, value in changes.items():
        setattr(info, name, [float(one) for one in value] if name == "k" else value)
    with pytest.raises(BadCalibration, match=told):
        camera_from_info(info)


def test_a_part_of_a_sensor_has_its_principal_point_anywhere():
    roi = RegionOfInterest(x_offset=0, y_offset=0, width=640, height=480)
    part = camera_from_info(info_of(roi=roi))
    assert camera_from_info(camera_to_info(part, 0, "c"), is_part=True) == part


def test_transforms_round_trip():
    transform = Transform.from_rpy((0.1, -0.2, 2.0), (1.0, 2.0, 3.0))
    for there, back in (
        (pose_from_transform, transform_from_pose),
        (transform_to_msg, transform_from_msg),
    ):
        assert back(there(transform)).matrix == pytest.approx(transform.matrix)


def test_grasps_round_trip():
    grasp = Grasp(
        GraspRectangle(10.0, 20.0, 30.0, 40.0, 0.5),
        quality=0.75,
        raw_score=-3.0,
        depth_m=0.5,
        level=Level.REGION,
        label="cup",
        model="m",
        T_camera_grasp=Transform.from_rpy((0.1, 0.2, 0.3), (0.0, 0.0, 0.5)),
        width_m=0.0625,
    )
    again = grasp_from_msg(grasp_to_msg(grasp))
    assert again.T_camera_grasp.matrix == pytest.approx(grasp.T_camera_grasp.matrix)
    for name in (
        "rectangle",
        "quality",
        "raw_score",
        "depth_m",
        "level",
        "label",
        "model",
        "width_m",
    ):
        assert getattr(again, name) == getattr(grasp, name)
    plain = grasp_from_msg(grasp_to_msg(Grasp(grasp.rectangle, 0.5)))
    assert plain.T_camera_grasp is None
    assert math.isnan(plain.width_m)


def test_a_pose_is_all_that_a_message_needs():
    message = GraspMsg(has_pose=True, pose=pose_from_transform(Transform.identity()), quality=0.5)
    grasp = grasp_from_msg(message)
    assert grasp.T_camera_grasp.matrix == pytest.approx(np.eye(4))
    assert math.isnan(grasp.width_m)
    assert math.isnan(grasp.depth_m)
    with pytest.raises(ValueError, match="above 0"):
        grasp_from_msg(GraspMsg(quality=0.5))


@pytest.mark.parametrize("change", [{"width": -1.0}, {"quality": math.nan}, {"u": math.inf}])
def test_impossible_grasps_from_others_are_refused(change):
    message = grasp_to_msg(Grasp(GraspRectangle(1.0, 2.0, 3.0, 4.0, 0.0), 0.5))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ValueError, match=r"above 0|quality|finite"):
        grasp_from_msg(message)


def test_stamps_are_exact():
    assert stamp_to_ns(ns_to_stamp(1_234_567_890_123)) == 1_234_567_890_123
