"""Which of PyBullet's renderers draws the images: EGL where it works, else the software one."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

from grasp_core.errors import MissingDependency

if TYPE_CHECKING:
    from pybullet_utils.bullet_client import BulletClient

_PLUGIN = "eglRenderer"
_PROBE = (
    "import importlib.util, pybullet as p; c = p.connect(p.DIRECT); "
    f"f = importlib.util.find_spec('{_PLUGIN}'); "
    f"h = p.loadPlugin(f.origin, '_{_PLUGIN}Plugin'); assert h >= 0; "
    "p.getCameraImage(32, 32, renderer=p.ER_BULLET_HARDWARE_OPENGL); p.disconnect()"
)


@functools.cache
def egl_works() -> bool:
    """Whether PyBullet's EGL renderer runs here.

    Asked of another process, because a missing driver may abort the one that loads it.
    """
    if importlib.util.find_spec(_PLUGIN) is None:
        return False
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def load_renderer(client: BulletClient, wanted: str) -> str:
    """Choose the renderer of a world; to be called before anything is built in it.

    Args:
        client: PyBullet connection.
        wanted: ``auto``, ``egl`` or ``tiny``.

    Returns:
        ``egl`` or ``tiny``.

    Raises:
        MissingDependency: EGL was asked for and does not work here.
    """
    if wanted == "tiny":
        return "tiny"
    found = importlib.util.find_spec(_PLUGIN) if egl_works() else None
    if found is not None and client.loadPlugin(found.origin, f"_{_PLUGIN}Plugin") >= 0:
        return "egl"
    if wanted == "egl":
        raise MissingDependency(
            "renderer egl does not work here: install libegl1 and libgl1-mesa-dri, or set "
            "renderer to tiny"
        )
    return "tiny"
