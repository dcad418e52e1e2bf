"""Detectors by name."""

from __future__ import annotations

import pytest

from grasp_core.errors import ConfigError
from grasp_detection.learned.weights import WeightsError, shipped_names
from grasp_detection.registry import create_detector, detector_names, has_weights


def test_unknown_name_lists_the_valid_ones(gripper):
    with pytest.raises(ConfigError, match="antipodal") as error:
        create_detector("antipodel", gripper)
    assert all(name in str(error.value) for name in detector_names())


SHIPPED = [name for name in detector_names() if not has_weights(name) or shipped_names(name)]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_detector_is_built_by_its_name(name, gripper):
    assert create_detector(name, gripper).name == name


@pytest.mark.parametrize("name", sorted({*detector_names()} - {*SHIPPED}))
def test_a_detector_without_weights_says_how_to_make_them(name, gripper):
    with pytest.raises(WeightsError, match=f"none ship: .*grasp train --detector {name}"):
        create_detector(name, gripper)


def test_unknown_setting_is_refused(gripper):
    with pytest.raises(ConfigError, match="anglez"):
        create_detector("antipodal", gripper, {"anglez": 3})
