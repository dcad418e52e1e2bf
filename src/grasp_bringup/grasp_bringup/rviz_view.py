"""What RViz must be told beside ``rviz/grasp.rviz``: robot, camera and namespace differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from grasp_core.camera_profile import load_camera
from grasp_core.config_folder import config_dir
from grasp_core.robot import load_robot

_FILE_CAMERA = "realsense"  # whose topics rviz/grasp.rviz names
_TOPIC = re.compile(r"^\s*(?:Topic|Value|Description Topic|.* Topic): (/\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class RvizView:
    """How RViz shows a stack.

    Attributes:
        fixed_frame: Frame of the table.
        remappings: Topics that the file names, to those of the stack.
        namespace: Of the stack; empty for none.
    """

    fixed_frame: str
    remappings: dict[str, str]
    namespace: str = ""


def rviz_view(robot: str, gripper: str, camera: str, namespace: str = "") -> RvizView:
    """How RViz shows a stack of this robot and camera.

    Raises:
        ConfigError: No such robot, hand or camera.
    """
    in_file, shown = load_camera(_FILE_CAMERA), load_camera(camera)
    remappings = {f"/{in_file.topics[stream]}": shown.topics[stream] for stream in shown.topics}
    remappings[f"/{in_file.depth_info_topic}"] = shown.depth_info_topic
    if namespace:
        # The file names topics without a namespace; relative ones follow that of RViz.
        others = [topic for topic in file_topics() if topic not in remappings]
        remappings.update({topic: topic.lstrip("/") for topic in others})
    frame = load_robot(robot, gripper).arm.base_frame
    return RvizView(frame, remappings, namespace)


def file_topics() -> list[str]:
    """Topics that ``rviz/grasp.rviz`` names, those of TF and time apart."""
    text = _file().read_text(encoding="utf-8")
    return sorted(set(_TOPIC.findall(text)))


def _file() -> Path:
    beside = Path(__file__).parents[1] / "rviz" / "grasp.rviz"
    return beside if beside.is_file() else config_dir().parent / "rviz" / "grasp.rviz"
