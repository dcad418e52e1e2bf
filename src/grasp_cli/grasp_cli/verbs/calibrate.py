"""Find out where the camera is, with a printed board, or check it.

Over ROS, beside the drivers that run: the user moves the arm, or --automatic does. With --sim in
the simulator, in this process. docs/calibration.md tells the whole way.
"""

from __future__ import annotations

import argparse
import datetime
from dataclasses import dataclass
from pathlib import Path

from grasp_bringup.environment import require_usable
from grasp_bringup.stack import read_defaults, simulated_cell, simulated_robot
from grasp_calibration.automatic import AutomaticRound, Mount, RoundSettings
from grasp_calibration.check import CheckResult, check
from grasp_calibration.detection import BoardDetector
from grasp_calibration.guided import DONE, guided_round
from grasp_calibration.page import PAPERS_M, write_page
from grasp_calibration.report import hand_eye_of, lines_of
from grasp_calibration.solve import Calibration, calibrate
from grasp_calibration.station import ViewTaker
from grasp_cli.exit_status import FAILED
from grasp_cli.interrupt import Interrupt
from grasp_core.camera import PinholeCamera
from grasp_core.camera_profile import load_camera
from grasp_core.cell import Cell, load_cell
from grasp_core.charuco_board import CharucoBoard
from grasp_core.config import build
from grasp_core.easy_handeye import EasyHandeye, write_calib
from grasp_core.errors import BadCalibration, Cancelled, ConfigError
from grasp_core.hand_eye import HandEye, load_hand_eye, write_hand_eye
from grasp_core.json_file import require_writable
from grasp_core.robot import CAMERA_MOUNTS, CAMERA_ON_HAND, RobotModel, load_robot
from grasp_executor.config import ExecutorConfig
from grasp_executor.link_motion import LinkSpeedLimit
from grasp_executor.planning.registry import DEFAULT_PLANNER, create_planner
from grasp_sim.config import SimConfig

EXAMPLES = (
    "grasp calibrate --print board.pdf",
    "grasp calibrate --mount fixed --robot panda --out hand_eye.yaml  # the arm moved by hand",
    "grasp calibrate --mount hand --robot panda --automatic --easy-handeye lab.calib",
    "grasp calibrate --mount fixed --robot panda --automatic --check hand_eye.yaml",
    "grasp calibrate --sim --mount hand --seed 1",
)
_FILE = Path("hand_eye.yaml")
_BOUND_MM = 3.0
_MAX_SPEED_M_S = ExecutorConfig().max_tcp_speed_m_s
_STOPPED = "interrupted: the arm has stopped and is at rest, nothing is written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    board = CharucoBoard()
    add = parser.add_argument
    add("--mount", choices=CAMERA_MOUNTS, help="camera fixed beside the robot, or on its hand")
    add(
        "--automatic",
        action="store_true",
        help="the arm moves itself, slowly, from where it is",
    )
    add("--sim", action="store_true", help="rehearse it in the simulator; tells the true error")
    add("--seed", type=int, default=0, help="seed of the choice of views, and of --sim (0)")
    add("--views", type=int, default=RoundSettings().views, help="views to take (20)")
    add("--speed", type=float, help="of --automatic, share of the planner's (0.2; with --sim 1)")
    add(
        "--max-speed",
        type=float,
        default=_MAX_SPEED_M_S,
        help=f"of any point of arm and hand, m/s ({_MAX_SPEED_M_S})",
    )
    add("--out", type=Path, help=f"file for the calibration ({_FILE}; with --sim none)")
    add("--easy-handeye", type=Path, help="file for it as easy_handeye2's .calib, too")
    add("--check", type=Path, help="check this calibration instead: status 1 if it is off")
    add(
        "--bound-mm",
        type=float,
        default=_BOUND_MM,
        help=f"how far off --check lets it be, mm ({_BOUND_MM:g})",
    )
    add("--robot", help="folder under config/robots (as config/simulator.yaml)")
    add("--gripper", help="file under config/grippers")
    add("--cell", help="file under config/cells")
    add("--camera", help="file under config/cameras: topics of the images")
    add("--camera-serial", default="", help="serial number of the camera, kept in the file")
    add("--hand-frame", default="", help="frame on TF that moves with the hand (the robot's tcp)")
    add("--sim-time", action="store_true", help="time comes from /clock")
    add(
        "--print", type=Path, dest="page", metavar="FILE.pdf", help="write the board at true scale"
    )
    add("--paper", choices=PAPERS_M, default="a4", help="for --print (a4)")
    add(
        "--columns",
        type=int,
        default=board.columns,
        help=f"squares in a row ({board.columns})",
    )
    add("--rows", type=int, default=board.rows, help=f"rows of squares, odd ({board.rows})")
    add("--square-mm", type=float, default=1e3 * board.square_m, help="side of a square (36)")
    add("--marker-mm", type=float, default=1e3 * board.marker_m, help="side of a marker (27)")
    add("--dictionary", default=board.dictionary, help=f"OpenCV's, no DICT_ ({board.dictionary})")


def run(options: argparse.Namespace) -> int:
    """Print, calibrate or check.

    Raises:
        ConfigError: Arguments that are wrong or do not go together.
        BadCalibration: The views do not determine the camera, or contradict one another.
    """
    board = _board(options)
    if options.page:
        print(write_page(options.page, board, options.paper))
        if options.mount is None:
            return 0
    if options.mount is None:
        raise ConfigError(f"--mount is missing, must be one of {', '.join(CAMERA_MOUNTS)}")
    if not 0.0 < options.max_speed <= 2.0:
        raise ConfigError(f"--max-speed is {options.max_speed} m/s, must lie in (0, 2]")
    present = _present(options)
    out = options.out or (None if options.sim or present else _FILE)
    for path in (out, options.easy_handeye):
        require_writable(path)
    found = _rehearsed(options) if options.sim else _measured(options, board)
    for line in lines_of(found.calibration):
        print(line)
    if found.truth:
        print(found.truth)
    if present is not None:
        return _tell_check(options, found, present, board)
    _write(options, out, found)
    return 0


@dataclass(frozen=True, eq=False)
class _Found:
    """A calibration with the frames and the cell that it belongs to, and the truth in words."""

    calibration: Calibration
    camera: PinholeCamera
    robot: RobotModel
    parent_frame: str
    camera_frame: str
    cell: Cell
    truth: str = ""


def _board(options: argparse.Namespace) -> CharucoBoard:
    values = {
        "columns": options.columns,
        "rows": options.rows,
        "square_m": options.square_mm / 1e3,
        "marker_m": options.marker_mm / 1e3,
        "dictionary": options.dictionary,
    }
    return build(CharucoBoard, values, "grasp calibrate")


def _settings(options: argparse.Namespace) -> RoundSettings:
    speed = options.speed or (1.0 if options.sim else RoundSettings().speed)
    values = {"views": options.views, "speed": speed, "seed": options.seed}
    return build(RoundSettings, values, "grasp calibrate")


def _present(options: argparse.Namespace) -> HandEye | None:
    """The calibration that is to be checked.

    Raises:
        BadCalibration: It is of a camera that is mounted otherwise, or of another camera.
    """
    if options.check is None:
        return None
    present = load_hand_eye(options.check)
    if present.mount not in ("", options.mount):
        raise BadCalibration(
            f"{options.check} is of a camera mounted {present.mount!r}, --mount is "
            f"{options.mount!r}"
        )
    known = present.camera_serial
    if known and options.camera_serial and known != options.camera_serial:
        raise BadCalibration(
            f"{options.check} is of the camera {known}, --camera-serial is "
            f"{options.camera_serial}: calibrate this camera"
        )
    return present


def _rehearsed(options: argparse.Namespace) -> _Found:
    # Not above: PyBullet greets whoever imports it.
    from grasp_benchmark.calibration.rehearsal import rehearse

    robot_name, gripper = simulated_robot(options.robot, options.gripper)
    cell = simulated_cell(options.robot, options.cell)
    simulated = SimConfig(robot=robot_name, gripper=gripper, cell=cell)
    settings = _settings(options)
    with Interrupt() as interrupt:
        result = rehearse(options.mount, options.seed, simulated, settings, print, interrupt.check)
    return _Found(
        result.calibration,
        result.camera,
        load_robot(robot_name, gripper),
        result.parent_frame,
        result.camera_frame,
        load_cell(cell),
        result.sentence,
    )


def _measured(options: argparse.Namespace, board: CharucoBoard) -> _Found:
    """Over ROS, with what the drivers publish."""
    from grasp_calibration.ros_station import RosStation

    require_usable()
    defaults = read_defaults()
    robot = load_robot(options.robot or defaults.executor.robot, options.gripper or "")
    cell = load_cell(options.cell or defaults.executor.cell)
    camera = load_camera(options.camera or defaults.detector.camera)
    hand_frame = options.hand_frame or robot.arm.tcp_frame
    settings = _settings(options)
    interrupt = Interrupt()
    with RosStation(
        robot, camera, hand_frame, options.sim_time, lambda: interrupt.asked
    ) as station:
        taker = ViewTaker(station, BoardDetector(board), print)
        if options.automatic:
            mount = Mount(robot, cell, options.mount)
            planner = create_planner(DEFAULT_PLANNER, robot)
            pace = LinkSpeedLimit(robot, options.max_speed).slowed
            moves = AutomaticRound(
                mount, planner, station.arm, station.mover, taker, settings, pace, print
            )
            try:
                with interrupt:
                    moves.run()
            except Cancelled as error:
                raise KeyboardInterrupt(_STOPPED) from error
        else:
            guided_round(taker, _ask, station.pause, print, options.mount, options.views)
    if taker.camera is None:
        raise ConfigError("no view was taken: nothing is written")
    return _Found(
        calibrate(taker.views, taker.camera, board, options.mount),
        taker.camera,
        robot,
        hand_frame if options.mount == CAMERA_ON_HAND else robot.arm.base_frame,
        taker.frame_id,
        cell,
    )


def _ask(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:  # nobody is there to ask
        return DONE


def _write(options: argparse.Namespace, out: Path | None, found: _Found) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    calibration = hand_eye_of(
        found.calibration, found.parent_frame, found.camera_frame, options.camera_serial, now
    )
    if out is not None:
        write_hand_eye(out, calibration)
        print(f"written: {out}")
    if options.easy_handeye is not None:
        arm = found.robot.arm
        on_hand = options.mount == CAMERA_ON_HAND
        effector = found.parent_frame if on_hand else (options.hand_frame or arm.tcp_frame)
        calib = EasyHandeye(
            on_hand,
            arm.base_frame,
            effector,
            calibration.camera_frame,
            calibration.T_parent_camera,
        )
        write_calib(options.easy_handeye, calib)
        print(f"written: {options.easy_handeye}")


def _tell_check(
    options: argparse.Namespace, found: _Found, present: HandEye, board: CharucoBoard
) -> int:
    """How far off the calibration is; 1 if by more than the bound.

    Raises:
        BadCalibration: It is between other frames than those of this robot and camera.
    """
    frames = (found.parent_frame, found.camera_frame)
    told = (present.parent_frame.lstrip("/"), present.camera_frame.lstrip("/"))
    if told != frames:
        raise BadCalibration(
            f"{options.check} is from {told[0]!r} to {told[1]!r}, measured was from "
            f"{frames[0]!r} to {frames[1]!r}: name its --hand-frame and --camera"
        )
    result = check(present.T_parent_camera, found.calibration, found.camera, board, found.cell)
    print(_verdict(result, options.bound_mm))
    return 0 if result.worst_mm <= options.bound_mm else FAILED


def _verdict(result: CheckResult, bound_mm: float) -> str:
    fine = result.worst_mm <= bound_mm
    return (
        f"the board seems to wander by {result.board_mm:.2f} mm and {result.board_deg:.3f} deg; "
        f"points of the workspace are off by {result.workspace_mm:.2f} mm, the camera by "
        f"{result.workspace_deg:.3f} deg (95th percentiles): "
        + ("as good as the bound" if fine else "OFF by more than the bound")
        + f" of {bound_mm:g} mm"
        + ("" if fine else "; calibrate again")
    )
