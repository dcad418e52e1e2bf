"""Grasps in one RGB-D picture, in three lines and without ROS.

    python examples/detect_grasps.py [FRAME] [PICTURE.png] [DETECTOR]

FRAME is a folder with color.png, depth.png and camera.json.
"""

import sys
from pathlib import Path

import cv2

from grasp_core.drawing import draw_grasps
from grasp_detection.frames import read_recorded
from grasp_detection.loading import load_detector

FRAME = Path(__file__).parent / "frames" / "cereal_and_tea"


def main(frame_folder=FRAME, picture="grasps.png", name="default"):
    """Detect, draw, and tell the best."""
    frame = read_recorded(Path(frame_folder))

    detector = load_detector(name)
    grasps = detector.detect(frame.color, frame.depth_m, frame.camera)
    drawn = draw_grasps(frame.color, grasps)

    cv2.imwrite(str(picture), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    print(f"{len(grasps)} grasps in {frame.name}, drawn into {picture}")
    if grasps:
        best = grasps[0]
        print(
            f"best: quality {best.quality:.2f} at ({best.rectangle.u:.0f}, "
            f"{best.rectangle.v:.0f}) px, {best.depth_m:.3f} m away"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
