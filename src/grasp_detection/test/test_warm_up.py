"""The picture that detectors warm up on is one in which there is something to grasp."""

from grasp_core.camera_profile import camera_names, load_camera
from grasp_core.depth import check_depth_range
from grasp_detection.antipodal.detector import AntipodalDetector
from grasp_detection.warm_up import plain_frame, warm_up


def test_the_whole_of_a_detector_is_warmed_up(gripper):
    best = AntipodalDetector(gripper).detect(plain_frame())[0]
    assert abs(best.width_m - 0.05) < 0.01


def test_the_picture_is_one_that_every_camera_could_have_taken():
    for camera in map(load_camera, camera_names()):
        check_depth_range(plain_frame().depth_m, camera.min_range_m, camera.max_range_m)


def test_the_time_is_told_and_a_fault_passes():
    seen = []

    class Detector:
        def detect(self, frame):
            seen.append(frame)
            return []

    assert 0.0 <= warm_up(Detector()) < 1.0
    assert len(seen) == 1
