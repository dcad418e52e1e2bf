"""The detector of the node that runs any learned network, on the view that its weights know."""

from __future__ import annotations

from grasp_core.cell import Cell
from grasp_core.errors import ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.robot import GripperProfile
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import Family
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.overhead_detection import OverheadDetection
from grasp_detection.learned.picture_detection import PictureDetection
from grasp_detection.learned.weights import OVERHEAD
from grasp_detection.stage_timer import StageTimer


class LearnedDetector:
    """A learned detector; see :class:`grasp_detection.detector.Detector`.

    ``quality`` is the calibrated share of right grasps, ``raw_score`` the network's own; place
    and width are corrected by what the depth image shows between the jaws. Weights say which view
    they know: ``overhead``, the scene from straight above, or ``picture``, a square of the
    camera's picture. See the class for each.

    Attributes:
        stage_ms: How long the stages of the last frame took, milliseconds.
        needs_depth: Whether its weights look at depth.
    """

    def __init__(
        self,
        name: str,
        family: Family,
        gripper: GripperProfile,
        config: LearnedConfig,
        cell: Cell | None = None,
    ) -> None:
        """Load the weights.

        Args:
            name: Name in the registry.
            family: The network.
            gripper: Gripper that will execute the grasps.
            config: Settings.
            cell: Whose workspace is looked at, where a frame tells the camera's pose.

        Raises:
            ConfigError: No GPU where one was asked for, or an input that the network cannot take.
            MissingDependency: The runtime is not installed.
            WeightsError: The weights are missing, broken or made for another network.
        """
        self.name = name
        self.stage_ms: dict[str, float] = {}
        if config.input_px % family.stride:
            raise ConfigError(
                f"input_px is {config.input_px}, must be a multiple of {family.stride} for "
                f"detector {name}"
            )
        model = LearnedModel.load(name, family, config)
        self.needs_depth = model.modality != "rgb"
        way = OverheadDetection if model.view == OVERHEAD else PictureDetection
        self._looks: OverheadDetection | PictureDetection = way(name, model, gripper, config, cell)

    @property
    def remark(self) -> str:
        """What is to be known of the last answer, such as why it is empty; or nothing."""
        return self._looks.remark

    def detect(self, frame: RgbdFrame) -> list[Grasp]:
        """Rank the grasps of one frame.

        Raises:
            BadCalibration: The camera does not see the workspace.
            BadImage: The configured window lies outside the picture.
        """
        timer = StageTimer()
        grasps = self._looks.detect(frame, timer)
        self.stage_ms = timer.ms
        return grasps

    def input_px(self, frame: RgbdFrame) -> int:
        """Longer side of the network's input for a frame, pixels."""
        return self._looks.input_px(frame)
