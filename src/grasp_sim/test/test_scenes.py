from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grasp_core.cell import load_cell
from grasp_core.errors import ConfigError, ObjectNotFound
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_sim import world
from grasp_sim.config import SimConfig
from grasp_sim.objects import object_set
from grasp_sim.simulation import Simulation

NAMES = ["012", "345", "678"]


def state(simulation: Simulation) -> bytes:
    """Everything measurable, exactly."""
    poses = [truth.pose.matrix for truth in simulation.truth()]
    joints = (*simulation.robot.arm.joints, *simulation.robot.gripper.joints)
    return np.concatenate([np.ravel(poses), *simulation.joint_state(joints)]).tobytes()


def wait(simulation: Simulation, seconds: float) -> None:
    for _ in range(round(seconds * 240)):
        simulation.step()


def test_the_same_seed_gives_the_same_scene_bit_for_bit(cell: Simulation, robot: RobotModel):
    cell.new_scene(NAMES, seed=4)
    wait(cell, 0.1)
    first = state(cell)
    cell.new_scene(["100"], seed=9)  # what came before must not matter
    cell.new_scene(NAMES, seed=4)
    wait(cell, 0.1)
    assert state(cell) == first
    fresh = Simulation(SimConfig(renderer="tiny"), robot)
    fresh.new_scene(NAMES, seed=4)
    wait(fresh, 0.1)
    assert state(fresh) == first
    fresh.close()


def test_other_seeds_give_other_scenes(cell: Simulation):
    cell.new_scene(NAMES[:1], seed=1)
    first = state(cell)
    cell.new_scene(NAMES[:1], seed=2)
    assert state(cell) != first


def test_a_heap_lies_still_in_the_workspace(cell: Simulation):
    names = cell.objects.draw(8, 3)
    assert cell.new_scene(names, seed=3) == names
    before = cell.truth()
    for thing in before:
        x, y, z = thing.pose.translation
        assert 0.30 <= x <= 0.70
        assert -0.25 <= y <= 0.25
        assert 0.0 < z < 0.3
        assert 0.05 <= thing.mass_kg <= 0.5
        assert not thing.in_bin
        assert not thing.between_fingers
    assert any(thing.on_support for thing in before)
    wait(cell, 1.0)
    for old, new in zip(before, cell.truth(), strict=True):
        assert old.pose.distance_to(new.pose)[0] < 0.002


@pytest.mark.parametrize("support_z_m", [-0.1, 0.1])
def test_objects_rest_on_the_table_of_the_cell(
    monkeypatch: pytest.MonkeyPatch, robot: RobotModel, support_z_m: float
):
    cell = replace(load_cell("tabletop"), support_z_m=support_z_m)
    monkeypatch.setattr(world, "load_cell", lambda name: cell)
    simulation = Simulation(SimConfig(renderer="tiny"), robot)
    for name in NAMES:
        simulation.new_scene([name], seed=4)
        (thing,) = simulation.truth()
        assert thing.on_support
        assert support_z_m < thing.pose.translation[2] < support_z_m + 0.2
        body = simulation.world.object(name).body
        contacts = simulation.world.client.getContactPoints(body, simulation.world.table_body)
        assert min(contact[8] for contact in contacts) > -0.005  # m, how deep it is in the table
    simulation.close()


def test_a_scene_that_begins_in_the_bin_is_refused(robot: RobotModel):
    around = {"workspace_x": (0.2, 0.4), "workspace_y": (0.4, 0.6)}
    simulation = Simulation(SimConfig(renderer="tiny", **around), robot)
    with pytest.raises(ConfigError, match=r"012 lies in the drop bin .* workspace_x \(0.2, 0.4\)"):
        simulation.new_scene(NAMES[:1], seed=4)
    simulation.close()


def test_a_wide_spread_reaches_further(robot: RobotModel):
    middle = np.array([0.5, 0.0])
    reached = {}
    for spread in (0.0, 1.0):
        simulation = Simulation(SimConfig(renderer="tiny", spread=spread), robot)
        places = []
        for seed in range(4):
            simulation.new_scene(NAMES[:1], seed=seed)
            places.append(simulation.truth()[0].pose.translation[:2])
        reached[spread] = np.abs(np.array(places) - middle).max()
        simulation.close()
    assert reached[0.0] < 0.06 < reached[1.0]


def test_round_objects_come_to_rest(cell: Simulation):
    cell.new_scene(["576"], seed=5)  # rolls on for many seconds when nothing brakes it
    assert max(cell.world.speed(cell.world.object("576"))) < 0.05


def test_time_goes_on_over_scenes_and_in_whole_steps(cell: Simulation):
    cell.new_scene(NAMES[:1], seed=1)
    before = cell.time_ns
    cell.new_scene(NAMES[:1], seed=1)
    assert cell.time_ns > before
    before = cell.time_ns
    wait(cell, 1.0)
    assert cell.time_ns - before == 1_000_000_000


def test_names_are_unique_on_the_table(cell: Simulation):
    assert cell.new_scene(["012", "012"], seed=1) == ["012", "012_1"]


@pytest.mark.parametrize(
    ("names", "text"), [([], "1 to 15"), (["901"] * 16, "1 to 15"), (["001"], "no '001'")]
)
def test_impossible_scenes_are_refused_and_change_nothing(
    cell: Simulation, names: list[str], text: str
):
    cell.new_scene(NAMES[:1], seed=0)
    before = state(cell)
    with pytest.raises(ConfigError, match=text):
        cell.new_scene(names, seed=0, objects=object_set("test"))
    assert state(cell) == before
    assert (cell.objects.name, cell.config.objects) == ("dev", "dev")


def test_another_set_stays(robot: RobotModel):
    own = Simulation(SimConfig(renderer="tiny"), robot)
    own.new_scene(["901"], seed=0, objects=object_set("test"))
    assert own.new_scene(["902"], seed=0) == ["902"]
    assert (own.objects.name, own.config.objects) == ("test", "test")
    own.close()


def test_truth_of_the_bin(simulation: Simulation):
    x, y = simulation.world.cell.bin_center
    side = simulation.world.cell.bin_size_m
    for name, place in (("in", (x, y)), ("beside", (x, y - side)), ("far", (0.5, 0.0))):
        pose = Transform.from_translation(*place, 0.05)
        simulation.world.add_box(name, (0.03, 0.03, 0.03), pose)
    wait(simulation, 0.5)
    assert {t.name: t.in_bin for t in simulation.truth()} == {
        "in": True,
        "beside": False,
        "far": False,
    }
    assert {t.name: t.on_support for t in simulation.truth()} == {
        "in": False,
        "beside": True,
        "far": True,
    }


def test_truth_has_pose_and_size(simulation: Simulation):
    pose = Transform.from_translation(0.5, 0.1, 0.02)
    simulation.world.add_box("box", (0.06, 0.03, 0.04), pose, mass_kg=0.2)
    wait(simulation, 0.3)
    (truth,) = simulation.truth()
    assert truth.pose.distance_to(pose)[0] < 0.001
    assert np.allclose(truth.size_m, (0.06, 0.03, 0.04), atol=0.003)
    assert truth.mass_kg == 0.2


def test_disturbances(simulation: Simulation):
    for name, y in (("a", 0.1), ("b", -0.1)):
        simulation.world.add_box(name, (0.04,) * 3, Transform.from_translation(0.5, y, 0.02))
    assert simulation.move("b", (0.05, 0.0, 0.0)) == "b"
    wait(simulation, 0.2)
    poses = {truth.name: truth.pose.translation for truth in simulation.truth()}
    assert np.allclose(poses["b"], (0.55, -0.1, 0.02), atol=0.001)
    assert simulation.pull("", (1.5, 0.0, 0.0), 0.2) == "a"
    wait(simulation, 0.3)
    assert simulation.truth()[0].pose.translation[0] > 0.51
    assert simulation.remove("a") == "a"
    assert [truth.name for truth in simulation.truth()] == ["b"]
    with pytest.raises(ObjectNotFound, match=r"'a'.*there are b"):
        simulation.move("a", (0.0, 0.0, 0.1))
    with pytest.raises(ConfigError, match="duration"):
        simulation.pull("b", (1.0, 0.0, 0.0), 0.0)
    with pytest.raises(ConfigError, match=r"finite vector.*nan"):
        simulation.move("b", (0.0, float("nan"), 0.0))


def test_frames_are_stamped_with_simulation_time(simulation: Simulation):
    wait(simulation, 0.1)
    frame = simulation.render()
    assert frame.stamp_ns == simulation.time_ns
    assert frame.frame_id == simulation.config.camera_frame
    assert np.nanmedian(frame.depth_m) == pytest.approx(0.75, abs=0.001)
