"""Everything that the stand-in can do wrong: a line each.

A way changes the messages of a stream (``arm``, ``hand``, ``wrench``, ``color``, ``depth``,
``camera_info``, ``tf``), or sets what the body, the servers or the clocks do.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from control_msgs.action import FollowJointTrajectory

_CAMERA = ("color", "depth", "camera_info")
_IMAGES = ("color", "depth")


@dataclass(frozen=True)
class Way:
    """A misbehaviour: in words, and as what it does to the hardware with its number."""

    says: str
    begin: Callable[[Any, float], None]
    value: float = 0.0


def _edits(edit: Callable[[Any, float], None], *streams: str) -> Callable[[Any, float], None]:
    """Every message of these streams is edited."""

    def begin(hardware: Any, value: float) -> None:
        def change(message: Any) -> Any:
            message = copy.deepcopy(message)
            edit(message, value)
            return message

        for stream in streams:
            hardware.change(stream, change)

    return begin


def _drops(*streams: str) -> Callable[[Any, float], None]:
    """Nothing of these streams is sent any more."""
    return lambda hardware, value: [
        hardware.change(stream, lambda message: None) for stream in streams
    ]


def _now_and_then(edit: Callable[[Any], None], stream: str) -> Callable[[Any, float], None]:
    """One message in so many is edited."""

    def begin(hardware: Any, value: float) -> None:
        counter = itertools.count(1)
        plain = _edits(lambda message, _: next(counter) % int(value) or edit(message), stream)
        plain(hardware, value)

    return begin


def _repeats(stream: str, *, fresh: bool) -> Callable[[Any, float], None]:
    """The first message comes again and again, with fresh stamps or with its own."""

    def begin(hardware: Any, value: float) -> None:
        kept: list[Any] = []

        def change(message: Any) -> Any:
            kept.append(copy.deepcopy(message))
            first = copy.deepcopy(kept[0])
            if fresh:
                first.header.stamp = message.header.stamp
            return first

        hardware.change(stream, change)

    return begin


def _sets(thing: str, name: str, to: Any = True) -> Callable[[Any, float], None]:
    """An attribute of ``arm``, ``hand`` or ``body``; ``to`` may make it of the value."""
    return lambda hardware, value: setattr(
        getattr(hardware, thing), name, to(value) if callable(to) else to
    )


def _offsets(*streams: str) -> Callable[[Any, float], None]:
    """The clocks of these drivers are off by the value."""
    return lambda hardware, value: hardware.stamp_offset_s.update(dict.fromkeys(streams, value))


def _fill(field: str, number: float) -> Callable[[Any, float], None]:
    """All values of a field of joint states are one number."""
    return lambda message, _: setattr(message, field, [number] * len(getattr(message, field)))


def _scale(field: str) -> Callable[[Any, float], None]:
    return lambda message, value: setattr(message, field, [x * value for x in message.position])


def _forget_last_joint(message: Any, _: float) -> None:
    for field in ("name", "position", "velocity", "effort"):
        setattr(message, field, list(getattr(message, field))[:-1])


def _as_type(encoding: str, dtype: type, scale: float) -> Callable[[Any, float], None]:
    """16UC1 millimetres told in another unit or encoding."""

    def edit(message: Any, _: float) -> None:
        values = np.frombuffer(message.data, np.uint16).reshape(message.height, message.width)
        told = (values * scale).astype(dtype)
        message.encoding, message.step = encoding, told.strides[0]
        message.data = told.tobytes()

    return edit


def _blank(message: Any, _: float) -> None:
    message.data = bytes(len(message.data))


def _frame(name: str) -> Callable[[Any, float], None]:
    return lambda message, _: setattr(message.header, "frame_id", name)


def _k(index: int, of: Callable[[float, float], float]) -> Callable[[Any, float], None]:
    def edit(message: Any, value: float) -> None:
        message.k[index] = of(message.k[index], value)

    return edit


def _uncalibrated(message: Any, _: float) -> None:
    message.k, message.d = [0.0] * 9, []


def _resize(message: Any, value: float) -> None:
    message.width, message.height = int(message.width * value), int(message.height * value)


def _full_size(message: Any, value: float) -> None:
    """A calibration of the sensor's full size, of which the image takes every so many pixels."""
    _resize(message, value)
    for index in (0, 2, 4, 5):
        message.k[index] *= value
    message.binning_x = message.binning_y = int(value)


def _restarts(hardware: Any, value: float) -> None:
    """Silence for a while, then a driver whose clock begins anew."""
    ends_s = hardware.now_s + value

    def change(message: Any) -> Any:
        return None if hardware.now_s < ends_s else message

    hardware.change("hand", change)


def _steps(hardware: Any, value: float) -> None:
    hardware.now_s = max(0.0, hardware.now_s + value)


def _stops(hardware: Any, value: float) -> None:
    hardware.is_stopped = True
    path = hardware.body.path
    if path is not None:
        hardware.body.stop(path)


def _stands(hardware: Any, value: float) -> None:
    hardware.body.speed_scale = 0.0
    hardware.misbehave("arm-speed", 1.0, at=value)


def _vanishes(hardware: Any, value: float) -> None:
    hardware.body.take_block_away()


def _shows_part(on: bool) -> Callable[[Any, float], None]:
    """The input that shows a part stays as it is."""

    def begin(hardware: Any, value: float) -> None:
        driver = hardware.robot.gripper.driver
        line = driver.part_present_input
        hardware.change("hand", lambda levels: {**levels, line: driver.level(line, on)})

    return begin


_PATH = FollowJointTrajectory.Result.PATH_TOLERANCE_VIOLATED
_REFUSED = FollowJointTrajectory.Result.INVALID_GOAL

WAYS: dict[str, Way] = {
    # hand
    "hand-nan": Way("finger positions are NaN", _edits(_fill("position", math.nan), "hand")),
    "hand-zero-now-and-then": Way(
        "one sample in VALUE of the hand is all zeros",
        _now_and_then(lambda m: _fill("position", 0.0)(m, 0.0), "hand"),
        50,
    ),
    "hand-zero": Way("the hand reports zeros", _edits(_fill("position", 0.0), "hand")),
    "hand-millimetres": Way(
        "the hand reports millimetres", _edits(_scale("position"), "hand"), 1e3
    ),
    "hand-silent": Way("the hand reports nothing", _drops("hand")),
    "hand-half": Way(
        "one finger is missing in the hand's states", _edits(_forget_last_joint, "hand")
    ),
    "hand-frozen": Way("old widths come with fresh stamps", _repeats("hand", fresh=True)),
    "hand-stamps-stand": Way("the hand's stamps stand still", _repeats("hand", fresh=False)),
    "hand-stamps-off": Way("the hand's stamps are off by VALUE s", _offsets("hand"), -3.0),
    "hand-restarts": Way("the hand's driver is away for VALUE s", _restarts, 1.0),
    "force-nan": Way("finger forces are NaN", _edits(_fill("effort", math.nan), "hand")),
    "force-zero": Way("finger forces are 0", _edits(_fill("effort", 0.0), "hand")),
    "grip-franka": Way("the hand's server answers as Franka's", _sets("hand", "is_frankas")),
    "grip-refused": Way("the hand's server refuses goals", _sets("hand", "refuses")),
    "grip-aborts": Way("the hand's server aborts goals", _sets("hand", "abort_code", _REFUSED)),
    "grip-late": Way("the hand's result comes VALUE s late", _sets("hand", "delay_s", float), 2.0),
    "grip-never": Way("the hand's result never comes", _sets("hand", "is_silent")),
    "grip-early": Way("the hand reports success while it moves", _sets("hand", "is_early")),
    "grip-error": Way("the hand's library fails", _sets("hand", "error", "Command failed!")),
    "part-shown": Way("an input shows a part that is not there", _shows_part(True)),
    "part-not-shown": Way("an input shows no part", _shows_part(False)),
    "jaws-stuck": Way("the jaws do not move", _sets("body", "is_stuck")),
    "object-vanishes": Way("the object is taken away", _vanishes),
    # arm
    "arm-nan": Way("joint positions are NaN", _edits(_fill("position", math.nan), "arm")),
    "arm-silent": Way("the arm reports nothing", _drops("arm")),
    "arm-half": Way("a joint is missing in the arm's states", _edits(_forget_last_joint, "arm")),
    "arm-without-velocity": Way(
        "the arm reports no velocity", _edits(lambda m, _: setattr(m, "velocity", []), "arm")
    ),
    "arm-degrees": Way(
        "the arm reports degrees", _edits(_scale("position"), "arm"), 180 / math.pi
    ),
    "arm-stamps-off": Way("the arm's stamps are off by VALUE s", _offsets("arm"), -3.0),
    "arm-stamps-stand": Way("the arm's stamps stand still", _repeats("arm", fresh=False)),
    "arm-refuses": Way("the controller refuses goals", _sets("arm", "refuses")),
    "arm-aborts": Way("the controller aborts", _sets("arm", "abort_code", _REFUSED)),
    "arm-contact": Way("the controller leaves the path", _sets("arm", "abort_code", _PATH)),
    "arm-blocked": Way("something holds the arm", _sets("body", "is_blocked")),
    "arm-ignores-tolerances": Way(
        "the controller knows no tolerances", _sets("arm", "ignores_tolerances")
    ),
    "arm-late": Way(
        "the controller's result comes VALUE s late", _sets("arm", "delay_s", float), 1.0
    ),
    "arm-never": Way("the controller's result never comes", _sets("arm", "is_silent")),
    "arm-early": Way("the controller reports success while it moves", _sets("arm", "is_early")),
    "arm-refuses-cancel": Way("the controller refuses cancels", _sets("arm", "refuses_cancel")),
    "arm-speed": Way("speed is scaled to VALUE", _sets("body", "speed_scale", float), 0.1),
    "arm-stands": Way("speed is scaled to 0 for VALUE s", _stands, 1.0),
    "protective-stop": Way("the robot stops itself", _stops),
    # time
    "clock-stands": Way("/clock stands still", lambda h, v: setattr(h, "clock_rate", 0.0)),
    "clock-steps": Way("/clock steps by VALUE s", _steps, -0.7),
    # camera
    "camera-silent": Way("no image comes", _drops(*_CAMERA)),
    "depth-silent": Way("colour without depth", _drops("depth")),
    "info-silent": Way("images without camera_info", _drops("camera_info")),
    "depth-mm-in-32fc1": Way(
        "millimetres in 32FC1", _edits(_as_type("32FC1", np.float32, 1.0), "depth")
    ),
    "depth-m-in-16uc1": Way(
        "metres in 16UC1", _edits(_as_type("16UC1", np.uint16, 1e-3), "depth")
    ),
    "depth-8-bit": Way("depth as a picture", _edits(_as_type("mono8", np.uint8, 0.1), "depth")),
    "depth-empty": Way("no pixel has depth", _edits(_blank, "depth")),
    "depth-frame": Way("depth of another frame", _edits(_frame("depth_optical_frame"), "depth")),
    "camera-frame-unknown": Way(
        "images of a frame without pose", _edits(_frame("nowhere"), *_CAMERA)
    ),
    "info-size": Way("camera_info of VALUE times the size", _edits(_resize, "camera_info"), 2.0),
    "info-binning": Way(
        "camera_info says binning of VALUE",
        _edits(lambda m, v: [setattr(m, f"binning_{x}", int(v)) for x in "xy"], "camera_info"),
        2,
    ),
    "info-full-size": Way(
        "camera_info of VALUE times the size, with its binning",
        _edits(_full_size, "camera_info"),
        2.0,
    ),
    "info-uncalibrated": Way(
        "camera_info is all zeros", _edits(_k(0, lambda k, v: 0.0), "camera_info")
    ),
    "info-fy": Way("fy is VALUE times fx", _edits(_k(4, lambda k, v: k * v), "camera_info"), 3.0),
    "info-centre": Way(
        "the principal point lies VALUE px outside",
        _edits(_k(2, lambda k, v: -v), "camera_info"),
        200.0,
    ),
    "camera-stamps-off": Way("images are stamped VALUE s off", _offsets("camera"), 5.0),
    "camera-stamps-stand": Way(
        "an old image comes again and again",
        lambda h, v: [_repeats(stream, fresh=False)(h, v) for stream in _CAMERA],
    ),
}
