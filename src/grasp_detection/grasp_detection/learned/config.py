"""Settings that all learned detectors have; a family may add its own."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.config import Checked, setting
from grasp_core.errors import ConfigError
from grasp_detection.learned.weights import DEFAULT, VIEWS

DEVICES = ("auto", "cpu", "cuda")
RUNTIMES = ("auto", "onnxruntime", "openvino", "openvino_bf16", "torch")
AUTO, ONNXRUNTIME, OPENVINO, OPENVINO_BF16, TORCH = RUNTIMES


@dataclass(frozen=True)
class LearnedConfig(Checked):
    """Settings of a learned detector; what the weights need comes with the weights."""

    weights: str = setting(
        DEFAULT, "shipped weights by name, default for the best ones, or path of a .safetensors"
    )
    view: str = setting(
        AUTO,
        "what the network looks at: the camera's picture, or the scene from straight above; auto: "
        "what its weights are for",
        choices=(AUTO, *VIEWS),
    )
    device: str = setting("auto", "where it computes; auto takes a GPU if any", choices=DEVICES)
    runtime: str = setting(
        AUTO,
        "what carries the network out; auto: what is quickest for it on a CPU, torch on a GPU",
        choices=RUNTIMES,
    )
    window_px: tuple[float, ...] = setting(
        (),
        "square of the picture that networks for pictures see: left column, top row, side, px; "
        "empty for the workspace where the camera's pose is known, else the largest in the middle",
        minimum=0.0,
    )
    input_px: int = setting(
        0,
        "side of the network's input, px; 0 shows the scene as large as the network knows it, by "
        "the distance of the support",
        minimum=0,
        maximum=2048,
    )
    centre: bool = setting(
        True, "move each grasp onto what the depth image shows between the jaws, and as wide"
    )
    finger_depth_m: float = setting(
        0.03,
        "how far the fingertips go below the local top, m; the executor's finger_depth_m",
        minimum=0.005,
        maximum=0.1,
    )
    support_clearance_m: float = setting(
        0.004,
        "lowest fingertip above the support, m; the executor's support_clearance_m",
        minimum=0.0,
        maximum=0.05,
    )
    top_k: int = setting(50, "most candidates returned", minimum=1, maximum=1000)
    min_quality: float = setting(
        0.1, "candidates of lower calibrated quality are dropped", minimum=0.0, maximum=1.0
    )
    min_raw_score: float = setting(
        0.0,
        "candidates of which the network itself says a lower quality are dropped; EFCN's paper "
        "takes 0.5, or 0.2 for a less confident network",
        minimum=0.0,
        maximum=1.0,
    )
    report_too_wide: bool = setting(
        True, "return the narrowest grasp, with quality 0, of objects wider than the gap"
    )
    nms_jaccard: float = setting(
        0.3,
        "overlap above which the worse of two similar grasps is dropped",
        minimum=0.0,
        maximum=1.0,
    )
    nms_angle: float = setting(
        0.5236,
        "axes further apart than this are different grasps, rad",
        minimum=0.0,
        maximum=1.5708,
    )

    def __post_init__(self) -> None:
        """Check the fields, and the window as a whole.

        Raises:
            ConfigError: A value is out of its bounds.
        """
        super().__post_init__()
        if self.window_px and (len(self.window_px) != 3 or self.window_px[2] < 8.0):
            raise ConfigError(
                f"window_px is {list(self.window_px)}, must be empty or left column, top row and "
                "a side of at least 8 px"
            )
