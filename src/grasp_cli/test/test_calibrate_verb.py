"""The command `grasp calibrate` without ROS: the page, wrong arguments, a whole rehearsal."""

import pytest

from grasp_cli.main import main
from grasp_core.hand_eye import HandEye, load_hand_eye, write_hand_eye
from grasp_core.transform import Transform


def run(*arguments):
    return main(["calibrate", *map(str, arguments)])


def test_the_board_is_printed_with_what_to_mind(tmp_path, capsys):
    page = tmp_path / "board.pdf"
    assert run("--print", page) == 0
    assert page.read_bytes().startswith(b"%PDF")
    assert "print at 100 %" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--mount is missing, must be one of fixed, hand"),
        (("--print", "board.pdf", "--square-mm", "60", "--marker-mm", "45"), "does not fit a4"),
        (("--print", "board.pdf", "--rows", "6"), "must be odd"),
        (("--sim", "--mount", "hand", "--views", "3"), "views is 3"),
        (("--mount", "fixed", "--check", "nosuch.yaml"), "cannot read nosuch.yaml"),
        (("--sim", "--mount", "hand", "--robot", "nosuch"), "no robot 'nosuch'"),
    ],
)
def test_wrong_values_are_refused_in_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"mount": "hand"}, "is of a camera mounted 'hand', --mount is 'fixed'"),
        ({"camera_serial": "1"}, "is of the camera 1, --camera-serial is 2"),
    ],
)
def test_a_calibration_of_another_camera_is_not_checked(tmp_path, capsys, about, message):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("base", "optical", Transform.identity(), **about))
    assert run("--mount", "fixed", "--camera-serial", 2, "--check", path) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("mount", ["fixed", "hand"])
def test_a_rehearsal_finds_the_camera_and_a_check_tells_a_bad_one(mount, tmp_path, capsys):
    found = tmp_path / "hand_eye.yaml"
    told = ("--sim", "--mount", mount, "--views", 16)
    assert run(*told, "--out", found, "--easy-handeye", tmp_path / "lab.calib") == 0
    truth = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("truth:")
    )
    assert float(truth.split("workspace by ")[1].split()[0]) <= 2.0
    kept, calib = load_hand_eye(found), load_hand_eye(tmp_path / "lab.calib")
    assert kept.T_parent_camera.distance_to(calib.T_parent_camera)[0] < 1e-9
    assert run(*told, "--seed", 1, "--check", found) == 0
    off = kept.T_parent_camera @ Transform.from_translation(0.01, 0.0, 0.0)
    write_hand_eye(found, HandEye(kept.parent_frame, kept.camera_frame, off))
    assert run(*told, "--seed", 1, "--check", found) == 1
    assert "OFF by more than the bound" in capsys.readouterr().out
