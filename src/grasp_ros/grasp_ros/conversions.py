"""Messages <-> core types. The only code that knows the layout of both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from geometry_msgs.msg import Transform as TransformMsg
from grasp_msgs.msg import Grasp as GraspMsg
from grasp_msgs.msg import GraspArray
from numpy.typing import ArrayLike, NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from grasp_core.camera import PinholeCamera
from grasp_core.color import COLOR_LAYOUTS
from grasp_core.depth import DEPTH_TYPES, depth_to_metres
from grasp_core.errors import BadCalibration, BadImage
from grasp_core.grasp import Grasp, Level
from grasp_core.rectangle import GraspRectangle
from grasp_core.transform import Transform
from grasp_ros.stamps import NANOSECONDS

_LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B: ITU-R BT.601
_DISTORTION_MODELS = ("", "plumb_bob", "rational_polynomial")


def stamp_to_ns(stamp: Time) -> int:
    """A stamp as integer nanoseconds."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def ns_to_stamp(nanoseconds: int) -> Time:
    """Integer nanoseconds as a stamp."""
    sec, nanosec = divmod(int(nanoseconds), NANOSECONDS)
    return Time(sec=sec, nanosec=nanosec)


def _pixels(image: Image, dtype: type, channels: int) -> NDArray:
    """View an image's bytes as an array (H, W, channels), native byte order.

    Raises:
        BadImage: The buffer is shorter than height and step say, or step than a row.
    """
    row_bytes = image.width * channels * np.dtype(dtype).itemsize
    if image.step < row_bytes or len(image.data) < image.step * image.height:
        raise BadImage(
            f"a {image.encoding} image of {image.width}x{image.height} px needs rows of at least "
            f"{row_bytes} bytes, got step {image.step} and {len(image.data)} bytes"
        )
    if image.width == 0 or image.height == 0:
        raise BadImage(f"the image is empty: {image.width}x{image.height} px")
    rows = np.frombuffer(image.data, np.uint8, image.step * image.height)
    rows = rows.reshape(image.height, image.step)[:, :row_bytes]
    order = np.dtype(dtype).newbyteorder(">" if image.is_bigendian else "<")
    array = np.ascontiguousarray(rows).view(order).reshape(image.height, image.width, channels)
    return array.astype(dtype, copy=False)


def color_from_image(image: Image) -> NDArray[np.uint8]:
    """A colour image as RGB, shape (H, W, 3), uint8.

    Raises:
        BadImage: The encoding is not an 8-bit colour one, or the buffer is too short.
    """
    layout = COLOR_LAYOUTS.get(image.encoding)
    if layout is None:
        raise BadImage(
            f"colour encoding {image.encoding!r} is not supported; publish one of "
            f"{', '.join(COLOR_LAYOUTS)}"
        )
    channels, order = layout
    return np.ascontiguousarray(_pixels(image, np.uint8, channels)[..., list(order)])


def depth_from_image(image: Image) -> NDArray[np.float32]:
    """A depth image in metres, shape (H, W), float32, NaN invalid.

    Raises:
        BadImage: The encoding has no known unit, or the buffer is too short.
    """
    dtype = DEPTH_TYPES.get(image.encoding)
    if dtype is None:
        raise BadImage(
            f"depth encoding {image.encoding!r} has no known unit; publish one of "
            f"{', '.join(DEPTH_TYPES)}"
        )
    return depth_to_metres(_pixels(image, dtype, 1)[..., 0], image.encoding)


def _image(array: NDArray, encoding: str, stamp_ns: int, frame_id: str) -> Image:
    array = np.ascontiguousarray(array)
    message = Image()
    message.header = Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id)
    message.height, message.width = array.shape[:2]
    message.encoding = encoding
    message.step = array.strides[0]
    message.data = array.tobytes()
    return message


def color_to_image(
    color: NDArray[np.uint8], stamp_ns: int, frame_id: str, encoding: str = "rgb8"
) -> Image:
    """RGB, shape (H, W, 3), as a colour image; a fourth channel is opaque, a single one the luma.

    Raises:
        BadImage: The encoding is none of an 8-bit colour image.
    """
    if encoding == "rgb8":
        return _image(np.asarray(color, np.uint8), encoding, stamp_ns, frame_id)
    if encoding not in COLOR_LAYOUTS:
        raise BadImage(
            f"colour is published as one of {', '.join(COLOR_LAYOUTS)}, not {encoding!r}"
        )
    channels, order = COLOR_LAYOUTS[encoding]
    if channels == 1:
        luma = np.rint(color @ _LUMA).astype(np.uint8)
        return _image(luma, encoding, stamp_ns, frame_id)
    pixels = np.full((*color.shape[:2], channels), 255, np.uint8)
    pixels[..., list(order)] = color
    return _image(pixels, encoding, stamp_ns, frame_id)


def depth_to_image(
    depth_m: NDArray[np.float32], stamp_ns: int, frame_id: str, encoding: str = "32FC1"
) -> Image:
    """Depth in metres, NaN invalid, as a 32FC1 or a 16UC1 image (millimetres, 0 invalid).

    ``mono16`` is another name of 16UC1.

    Raises:
        BadImage: Another encoding.
    """
    if encoding == "32FC1":
        return _image(np.asarray(depth_m, np.float32), encoding, stamp_ns, frame_id)
    if encoding in ("16UC1", "mono16"):
        millimetres = np.rint(np.nan_to_num(depth_m, nan=0.0, posinf=0.0, neginf=0.0) * 1000.0)
        return _image(
            np.clip(millimetres, 0, 65535).astype(np.uint16), encoding, stamp_ns, frame_id
        )
    raise BadImage(f"depth is published as 16UC1 or 32FC1, not {encoding!r}")


def camera_from_info(
    info: CameraInfo, *, rectified: bool = False, is_part: bool = False
) -> PinholeCamera:
    """Intrinsics of the published image: those of the sensor, region of interest cut, binned.

    Args:
        info: Calibration of the whole sensor, and which part of it was published how.
        rectified: Whether the image is free of distortion: P is its matrix, D was applied.
        is_part: Whether width and height may be those of a part of the sensor already, so that
            the principal point may lie anywhere.

    Raises:
        BadCalibration: An uncalibrated camera, an unknown distortion model, or values that
            contradict one another; names the field.
    """
    if info.distortion_model not in _DISTORTION_MODELS:
        raise BadCalibration(
            f"distortion model {info.distortion_model!r} is not supported; use one of "
            f"{', '.join(filter(None, _DISTORTION_MODELS))}"
        )
    name = "p" if rectified else "k"
    rows = np.asarray(info.p if rectified else info.k, np.float64).reshape(3, -1)
    distortion = () if rectified else tuple(float(value) for value in info.d)
    if not any(distortion):
        distortion = ()
    fx, fy, cx, cy = rows[0, 0], rows[1, 1], rows[0, 2], rows[1, 2]
    sensor = PinholeCamera(
        info.width, info.height, float(fx), float(fy), float(cx), float(cy), distortion
    )
    expected = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    if not np.allclose(rows[:, :3], expected, rtol=0.0, atol=1e-6):
        raise BadCalibration(
            f"camera_info.{name} is {rows[:, :3].tolist()}, must be of the form [fx 0 cx, 0 fy "
            "cy, 0 0 1]: calibrate the camera again"
        )
    if not is_part:
        sensor.check_plausible()
    return _published_part(info, sensor)


def _published_part(info: CameraInfo, sensor: PinholeCamera) -> PinholeCamera:
    """Apply region of interest and binning, in this order, as camera_info defines them.

    Raises:
        BadCalibration: The region leaves the sensor, or a bin does not fit in.
    """
    roi = info.roi
    window = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    if any(window):  # all zero: the whole sensor
        x, y, width, height = window
        width, height = width or info.width - x, height or info.height - y
        if width <= 0 or height <= 0 or x + width > info.width or y + height > info.height:
            raise BadCalibration(
                f"camera_info.roi is {roi.width}x{roi.height} px at ({x}, {y}), outside the "
                f"{info.width}x{info.height} px of camera_info.width and height"
            )
        sensor = sensor.cropped(x, y, width, height)
    bins = max(1, info.binning_x), max(1, info.binning_y)  # 0 means 1
    if bins[0] > sensor.width or bins[1] > sensor.height:
        raise BadCalibration(
            f"camera_info.binning_x and binning_y are {bins[0]} and {bins[1]}, more than the "
            f"{sensor.width}x{sensor.height} px that there are"
        )
    return sensor if bins == (1, 1) else sensor.binned(*bins)


def camera_to_info(camera: PinholeCamera, stamp_ns: int, frame_id: str) -> CameraInfo:
    """Intrinsics as a camera_info message."""
    message = CameraInfo()
    message.header = Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id)
    message.width, message.height = camera.width, camera.height
    message.distortion_model = (
        "rational_polynomial" if len(camera.distortion) == 8 else "plumb_bob"
    )
    message.d = list(camera.distortion) or [0.0] * 5
    message.k = camera.matrix.ravel().tolist()
    message.r = np.eye(3).ravel().tolist()
    message.p = np.hstack([camera.matrix, np.zeros((3, 1))]).ravel().tolist()
    return message


def transform_from_pose(pose: Pose) -> Transform:
    """A pose as a transform.

    Raises:
        ValueError: The quaternion is zero or a value not finite.
    """
    position, q = pose.position, pose.orientation
    return Transform.from_quaternion((q.x, q.y, q.z, q.w), (position.x, position.y, position.z))


def pose_from_transform(transform: Transform) -> Pose:
    """A transform as a pose."""
    x, y, z = map(float, transform.translation)
    return Pose(position=Point(x=x, y=y, z=z), orientation=_quaternion(transform))


def transform_from_msg(message: TransformMsg) -> Transform:
    """A TF transform; the message's quaternion is normalised.

    Raises:
        ValueError: The quaternion is zero or a value not finite.
    """
    t, q = message.translation, message.rotation
    return Transform.from_quaternion((q.x, q.y, q.z, q.w), (t.x, t.y, t.z))


def transform_to_msg(transform: Transform) -> TransformMsg:
    """A transform as a TF transform."""
    return TransformMsg(translation=vector(transform.translation), rotation=_quaternion(transform))


def _quaternion(transform: Transform) -> Quaternion:
    x, y, z, w = map(float, transform.quaternion)
    return Quaternion(x=x, y=y, z=z, w=w)


def vector(values: ArrayLike) -> Vector3:
    """Three numbers as a Vector3."""
    x, y, z = map(float, np.asarray(values))
    return Vector3(x=x, y=y, z=z)


def grasp_to_msg(grasp: Grasp) -> GraspMsg:
    """A candidate as a message."""
    r = grasp.rectangle
    message = GraspMsg(
        u=float(r.u),
        v=float(r.v),
        width=float(r.width),
        height=float(r.height),
        angle=float(r.angle),
        depth_m=float(grasp.depth_m),
        quality=float(grasp.quality),
        raw_score=float(grasp.raw_score),
        level=int(grasp.level),
        label=grasp.label,
        model=grasp.model,
        width_m=float(grasp.width_m),
        has_pose=grasp.T_camera_grasp is not None,
    )
    if grasp.T_camera_grasp is not None:
        message.pose = pose_from_transform(grasp.T_camera_grasp)
    return message


def grasp_from_msg(message: GraspMsg) -> Grasp:
    """A candidate from a message, as the executor receives it from any detector.

    A depth or gap that is not positive, as in a message nobody filled in, is unknown; a pose needs
    no rectangle, and stands for a pixel without one.

    Raises:
        ValueError: A value is impossible; the message names it.
    """
    sides = message.width, message.height
    if message.has_pose and sides == (0.0, 0.0):
        sides = 1.0, 1.0
    return Grasp(
        rectangle=GraspRectangle(message.u, message.v, *sides, message.angle),
        quality=float(np.clip(message.quality, 0.0, 1.0))
        if math.isfinite(message.quality)
        else math.nan,
        raw_score=message.raw_score,
        depth_m=message.depth_m if message.depth_m > 0.0 else math.nan,
        level=Level(message.level),
        label=message.label,
        model=message.model,
        T_camera_grasp=transform_from_pose(message.pose) if message.has_pose else None,
        width_m=message.width_m if message.width_m > 0.0 else math.nan,
    )


def grasps_to_msg(
    grasps: Sequence[Grasp],
    camera: PinholeCamera,
    stamp_ns: int,
    frame_id: str,
    *,
    model: str,
    detection_ms: float,
) -> GraspArray:
    """Ranked candidates of one image as a message."""
    return GraspArray(
        header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=frame_id),
        image_width=camera.width,
        image_height=camera.height,
        model=model,
        detection_ms=float(detection_ms),
        grasps=[grasp_to_msg(grasp) for grasp in grasps],
    )
