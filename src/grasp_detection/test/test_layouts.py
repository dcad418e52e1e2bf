"""Jacquard, OCID_grasp and the choice between layouts, on small trees made here."""

from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest

from grasp_core.rectangle import GraspRectangle, corners_of
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.instances import instances_of
from grasp_detection.datasets.jacquard import JacquardDataset
from grasp_detection.datasets.ocid import CLASSES, OcidDataset
from grasp_detection.datasets.registry import dataset_names, detect_dataset, open_dataset
from grasp_detection.datasets.split import published_splits
from grasp_detection.evaluation.protocol import Protocol

SIZE = 120
CENTER = np.array([62.0, 55.0])
THICKNESS = 9
OPENING, JAW = 40.0, 16.0


def bar(angle_deg):
    """A picture of a white bar along an angle from +u (right) towards +v (down)."""
    image = np.zeros((SIZE, SIZE), np.uint8)
    along = np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
    start, stop = (np.rint(16 * (CENTER + reach * along)).astype(int) for reach in (-40, 40))
    cv2.line(image, start.tolist(), stop.tolist(), 255, THICKNESS, cv2.LINE_8, 4)
    return image


def color_of(grey):
    return np.repeat(grey[:, :, None], 3, axis=2)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def grips(image, row):
    """Whether the jaws stand free on either side of the bar, which runs along them."""
    rectangle = GraspRectangle(*row)

    def on_bar(point):
        u, v = np.rint(point).astype(int)
        return image[v, u].max() > 0

    center = np.array([rectangle.u, rectangle.v])
    across = np.array([-rectangle.axis[1], rectangle.axis[0]])
    jaws_free = not any(on_bar(end) for end in rectangle.jaw_ends)
    held = all(on_bar(center + s * rectangle.height * across) for s in (-0.5, 0.0, 0.5))
    return jaws_free and held


def write_jacquard(root, label, image=None, stem="a/0_mug"):
    if image is not None:
        write(root / f"{stem}_RGB.png", color_of(image))
    write_text(root / f"{stem}_grasps.txt", label)


@pytest.mark.parametrize("angle_deg", [-60, -30, 0, 20, 45, 90, 130])
def test_jacquards_angle_turns_from_u_towards_v(tmp_path, angle_deg):
    image = bar(angle_deg)
    label = f"{CENTER[0]};{CENTER[1]};{angle_deg + 90};{OPENING};{JAW}\n"
    write_jacquard(tmp_path, label, image)
    sample = JacquardDataset(tmp_path).load(0)
    assert sample.grasps[0, 2:4] == pytest.approx([OPENING, JAW])
    assert grips(sample.color, sample.grasps[0])
    turned = sample.grasps[0] + [0.0, 0.0, 0.0, 0.0, math.pi / 2]
    assert not grips(sample.color, turned)
    if angle_deg % 90:
        assert not grips(sample.color, sample.grasps[0] * [1, 1, 1, 1, -1])


def test_jacquards_views_are_pictures_of_objects_in_any_depth(tmp_path):
    for stem in ("a/0_3f_x", "a/10_3f_x", "b/c/0_77"):
        write_jacquard(tmp_path, "1;2;3;4;5\n", bar(0), stem)
    records = JacquardDataset(tmp_path).records
    assert {(r.view, r.picture, r.object) for r in records} == {
        ("a/0_3f_x", "a/0_3f_x", "3f_x"),
        ("a/10_3f_x", "a/10_3f_x", "3f_x"),
        ("b/c/0_77", "b/c/0_77", "77"),
    }


@pytest.mark.parametrize("kind", ["stereo", "perfect"])
def test_the_chosen_depth_is_read_and_never_the_other(tmp_path, kind):
    write_jacquard(tmp_path, "60;60;0;20;10\n", bar(0))
    depth_m = np.full((SIZE, SIZE), 1.5, np.float32)
    write(tmp_path / f"a/0_mug_{kind}_depth.tiff", depth_m)
    assert np.array_equal(JacquardDataset(tmp_path, kind).load(0).depth_m, depth_m)
    other = {"stereo": "perfect", "perfect": "stereo"}[kind]
    assert JacquardDataset(tmp_path, other).load(0).depth_m is None
    with pytest.raises(DatasetError, match="no depth 'lidar' in Jacquard"):
        JacquardDataset(tmp_path, "lidar")


def test_depth_alone_is_enough_but_nothing_is_not(tmp_path):
    write_jacquard(tmp_path, "60;60;0;20;10\n")
    with pytest.raises(DatasetError, match=r"neither .*0_mug_RGB\.png nor 0_mug_stereo_depth"):
        JacquardDataset(tmp_path).load(0)
    write(tmp_path / "a/0_mug_stereo_depth.tiff", np.ones((SIZE, SIZE), np.float32))
    sample = JacquardDataset(tmp_path).load(0)
    assert sample.color is None
    assert sample.size == (SIZE, SIZE)


def test_a_view_with_objects_and_no_grasp_is_read(tmp_path):
    write_jacquard(tmp_path, "", bar(0))
    write(tmp_path / "a" / "0_mug_instances.png", (bar(0) > 0).astype(np.uint8))
    sample = JacquardDataset(tmp_path).load(0)
    assert sample.grasps.shape == (0, 5)
    assert sample.grasp_instances.shape == (0,)


def test_labels_may_say_how_good_they_are(tmp_path):
    write_jacquard(tmp_path, "60;60;0;20;10\n50;60;0;20;10\n", bar(0))
    beside = tmp_path / "a" / "0_mug_quality.txt"
    beside.write_text("0.5\n1\n", encoding="utf-8")
    dataset = JacquardDataset(tmp_path)
    assert dataset.load(0).grasp_quality.tolist() == [0.5, 1.0]
    beside.write_text("0.5\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"_quality\.txt has 1 lines for 2 grasps"):
        dataset.load(0)
    beside.write_text("0.5\n1.5\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"holds 1\.5, must be in \[0, 1\]"):
        dataset.load(0)
    beside.unlink()
    assert dataset.load(0).grasp_quality is None


def test_jacquards_useless_lines_are_counted_and_broken_ones_named(tmp_path):
    label = "60;60;0;20;10\nnan;60;0;20;10\n60;60;0;0;10\n60;60;0;20;-1\n\n"
    write_jacquard(tmp_path, label, bar(0))
    sample = JacquardDataset(tmp_path).load(0)
    assert (len(sample.grasps), sample.skipped) == (1, 3)
    write_jacquard(tmp_path, "60;60;0;20;10\n60;60;0;2", bar(0))
    with pytest.raises(DatasetError, match=r"0_mug_grasps\.txt:2 must hold 5 numbers"):
        JacquardDataset(tmp_path).load(0)
    (tmp_path / "a/0_mug_grasps.txt").unlink()
    with pytest.raises(DatasetError, match=r"cannot read .*0_mug_grasps\.txt: No such file"):
        JacquardDataset(tmp_path).load(0)


def test_one_object_is_masked_and_owns_every_grasp(tmp_path):
    write_jacquard(tmp_path, "60;60;0;20;10\n5;5;0;4;4\n", bar(0))
    write(tmp_path / "a/0_mug_mask.png", bar(0))
    sample = JacquardDataset(tmp_path).load(0)
    assert np.array_equal(sample.instances, (bar(0) > 0).astype(np.int32))
    assert sample.grasp_instances.tolist() == [1, 1]
    write(tmp_path / "a/0_mug_mask.png", bar(0)[:50])
    with pytest.raises(DatasetError, match=r"0_mug_mask\.png is 120x50 px, its view 120x120"):
        JacquardDataset(tmp_path).load(0)


def test_scenes_name_their_objects(tmp_path):
    write_jacquard(tmp_path, "20;20;0;20;10\n90;90;0;20;10\n60;5;0;4;4\n", bar(0))
    instances = np.zeros((SIZE, SIZE), np.uint16)
    instances[10:30, 10:30], instances[80:100, 80:100] = 4, 700
    write(tmp_path / "a/0_mug_instances.png", instances)
    write_text(tmp_path / "a/0_mug_classes.json", json.dumps({"4": "mug", "700": "box"}))
    sample = JacquardDataset(tmp_path).load(0)
    assert sample.classes == {4: "mug", 700: "box"}
    assert sample.grasp_instances.tolist() == [4, 700, 0]
    write_text(tmp_path / "a/0_mug_classes.json", '{"mug": 4')
    with pytest.raises(DatasetError, match=r"0_mug_classes\.json must hold"):
        JacquardDataset(tmp_path).load(0)


def test_a_grasp_at_a_rim_belongs_to_what_it_covers():
    instances = np.zeros((SIZE, SIZE), np.int32)
    instances[50:60, 30:50] = 2  # left of the centre of the first rectangle
    instances[50:60, 52:56] = 3
    rows = [[51.0, 55.0, 40.0, 8.0, 0.0], [-50.0, -50.0, 10.0, 10.0, 0.0]]
    assert instances_of(rows, instances).tolist() == [2, 0]
    assert instances_of(rows, instances, [[3], None]).tolist() == [3, 0]
    assert instances_of(rows, instances, [[], None]).tolist() == [0, 0]


SEQUENCE = "ARID20/table/top/seq01"


def ocid_label(angle_deg):
    """A grasp across a bar: in OCID_grasp the first edge is a jaw, so it runs along the bar."""
    row = [*CENTER, JAW, OPENING, math.radians(angle_deg)]
    return "".join(f"{u:.3f} {v:.3f}\n" for u, v in corners_of(row)[0])


def write_ocid(root, angle_deg=0, sequence=SEQUENCE, name="img"):
    folder = root / sequence
    write(folder / "rgb" / f"{name}.png", color_of(bar(angle_deg)))
    write_text(folder / "Annotations" / f"{name}.txt", ocid_label(angle_deg))
    return folder


@pytest.mark.parametrize("angle_deg", [-60, -30, 0, 20, 45, 90, 130])
def test_ocids_first_edge_is_a_jaw(tmp_path, angle_deg):
    write_ocid(tmp_path, angle_deg)
    sample = OcidDataset(tmp_path).load(0)
    assert sample.grasps[0, 2:4] == pytest.approx([OPENING, JAW], abs=0.01)
    assert grips(sample.color, sample.grasps[0])
    assert (sample.depth_m, sample.instances, sample.classes) == (None, None, None)


def test_both_cameras_of_a_sequence_are_one_scene(tmp_path):
    write_ocid(tmp_path, sequence="ARID20/table/top/seq01", name="one")
    write_ocid(tmp_path, sequence="ARID20/table/bottom/seq01", name="one")
    write_ocid(tmp_path, sequence="ARID20/floor/top/seq01", name="one")
    records = OcidDataset(tmp_path).records
    assert [r.object for r in records] == [
        "ARID20/floor/seq01",
        "ARID20/table/seq01",
        "ARID20/table/seq01",
    ]
    assert len({r.picture for r in records}) == 3


def test_ocids_depth_objects_and_classes(tmp_path):
    folder = write_ocid(tmp_path, 0)
    write(folder / "depth/img.png", np.full((SIZE, SIZE), 800, np.uint16))
    instances, classes = np.zeros((2, SIZE, SIZE), np.uint8)
    instances[50:61, 20:100], classes[50:61, 20:100] = 5, CLASSES.index("banana")
    instances[40:50, 20:100], classes[40:50, 20:100] = 6, CLASSES.index("stapler")
    write(folder / "seg_mask_instances_combi/img.png", instances)
    assert OcidDataset(tmp_path).load(0).classes is None
    write(folder / "seg_mask_labeled_combi/img.png", classes)
    sample = OcidDataset(tmp_path).load(0)
    assert np.unique(sample.depth_m) == pytest.approx([0.8])
    assert sample.classes == {5: "banana", 6: "stapler"}
    assert sample.grasp_instances.tolist() == [5]  # by the centre
    number = CLASSES.index("stapler")
    write_text(folder / f"Annotations_per_class/img/{number}/img.txt", ocid_label(0))
    assert OcidDataset(tmp_path).load(0).grasp_instances.tolist() == [6]  # by its class


def test_ocids_own_masks_stand_in(tmp_path):
    write(write_ocid(tmp_path) / "label/img.png", np.full((SIZE, SIZE), 3, np.uint8))
    sample = OcidDataset(tmp_path).load(0)
    assert sample.grasp_instances.tolist() == [3]
    assert sample.classes is None


def test_the_lists_of_ocid_say_what_belongs_to_it(tmp_path):
    write_ocid(tmp_path, name="one")
    write_ocid(tmp_path, name="two")
    assert len(OcidDataset(tmp_path).records) == 2
    lists = tmp_path / "data_split/training_0.txt"
    write_text(lists, f"{SEQUENCE},two.png\n{SEQUENCE},gone.png\n")
    dataset = OcidDataset(tmp_path)
    assert [r.view for r in dataset.records] == [f"{SEQUENCE}/gone", f"{SEQUENCE}/two"]
    with pytest.raises(DatasetError, match=r"cannot read .*rgb/gone\.png: No such file"):
        dataset.load(0)
    write_text(lists, f"{SEQUENCE} two.png\n")
    with pytest.raises(DatasetError, match=r"training_0\.txt:1 must hold SEQUENCE,NAME\.png"):
        OcidDataset(tmp_path)


def test_the_layout_is_found_by_what_is_there(tmp_path):
    write_jacquard(tmp_path / "j", "60;60;0;20;10\n", bar(0))
    write_ocid(tmp_path / "o")
    write(tmp_path / "c" / "pcd0100r.png", color_of(bar(0)))
    for folder, name in (("j", "jacquard"), ("o", "ocid"), ("c", "cornell")):
        assert detect_dataset(tmp_path / folder).name == name
        assert open_dataset(name, tmp_path / folder).name == name
    with pytest.raises(DatasetError, match="fits the layouts cornell, jacquard, ocid"):
        detect_dataset(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="fits no known layout") as caught:
        detect_dataset(tmp_path / "empty")
    # Scenes from above are a view of what Jacquard's layout holds: to be asked for by name.
    found_out = set(dataset_names()) - {"overhead"}
    assert all(f"{name}: " in str(caught.value) for name in found_out)
    with pytest.raises(DatasetError, match="valid are cornell, jacquard, ocid"):
        open_dataset("nosuch", tmp_path)


def test_ocids_published_folds(tmp_path):
    sequences = [f"ARID20/table/top/seq0{number}" for number in range(1, 6)]
    for sequence in sequences:
        write_ocid(tmp_path, sequence=sequence, name="one")
        write_ocid(tmp_path, sequence=sequence, name="two")
    folds = ((sequences[:4], sequences[4:]), (sequences[1:], sequences[:1]))
    for number, parts in enumerate(folds):
        for name, part in zip(("training", "validation"), parts, strict=True):
            lines = [
                f"{sequence},{picture}.png\n" for sequence in part for picture in ("one", "two")
            ]
            write_text(tmp_path / "data_split" / f"{name}_{number}.txt", "".join(lines))
    dataset = OcidDataset(tmp_path)
    splits = published_splits(dataset)
    assert [split.kind for split in splits] == ["published", "published"]
    for split, (learnt, reported) in zip(splits, folds, strict=True):
        assert set(split.test) == {f"{s}/{p}" for s in reported for p in ("one", "two")}
        assert {*split.train, *split.validation} == {
            f"{s}/{p}" for s in learnt for p in ("one", "two")
        }
        assert len(split.validation) == 2  # one whole scene chooses the epoch
        assert len({name.rpartition("/")[0] for name in split.validation}) == 1
    assert published_splits(dataset)[1].digest == splits[1].digest
    protocol = Protocol.of(dataset, "published", None, None, 0)
    assert (protocol.folds, protocol.part) == (2, "test")
    assert [dataset.records[index].object for index in protocol.views(1)] == [
        "ARID20/table/seq01"
    ] * 2
    (tmp_path / "data_split" / "validation_1.txt").unlink()
    with pytest.raises(DatasetError, match=r"validation_1\.txt is missing"):
        published_splits(dataset)


def test_other_layouts_come_with_no_folds(tmp_path):
    write(tmp_path / "0_a_RGB.png", color_of(bar(0)))
    write_text(tmp_path / "0_a_grasps.txt", "62;55;0;40;16\n")
    with pytest.raises(DatasetError, match="jacquard comes with no published folds"):
        published_splits(JacquardDataset(tmp_path))
