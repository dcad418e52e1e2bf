"""Intervals, records and widths of the benchmark against values worked out by hand."""

import dataclasses
import io
import json
import math
import re

import pytest
from rich.console import Console
from scipy.spatial.transform import Rotation

from grasp_benchmark.closed_loop import plots
from grasp_benchmark.closed_loop.benchmark import Benchmark
from grasp_benchmark.closed_loop.contestants import parse_contestants
from grasp_benchmark.closed_loop.figures import summarise
from grasp_benchmark.closed_loop.formatting import difference_line, notes_of, part_rows
from grasp_benchmark.closed_loop.intervals import (
    paired_interval,
    rate_difference_interval,
    rate_interval,
    success_interval,
)
from grasp_benchmark.closed_loop.journal import PICTURES_PER_CODE, Journal
from grasp_benchmark.closed_loop.object_width import narrowest_lying_m, narrowest_m
from grasp_benchmark.closed_loop.page import write_report
from grasp_benchmark.closed_loop.plan import Trial
from grasp_benchmark.closed_loop.record import PickResult, TrialRecord, broken
from grasp_benchmark.closed_loop.settings import BenchmarkSettings, default_folder, identity
from grasp_benchmark.closed_loop.table import show
from grasp_core.errors import ConfigError
from grasp_detection.learned.weights import find_weights
from grasp_sim.object_file import read_object


def pairs(both, only_first, only_second, neither):
    first = [True] * (both + only_first) + [False] * (only_second + neither)
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return first, second


def test_wilson():
    assert success_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert success_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_the_paired_interval_is_newcombes():
    # An example of Newcombe 1998: 36, 12, 2, 0 by method 10.
    assert paired_interval(*pairs(36, 12, 2, 0)) == pytest.approx((0.0569, 0.3404), abs=1e-4)


@pytest.mark.parametrize("table", [(10, 0, 0, 0), (0, 0, 0, 10), (0, 10, 0, 0), (5, 2, 1, 2)])
def test_the_paired_interval_holds_the_difference_and_turns_with_it(table):
    first, second = pairs(*table)
    low, high = paired_interval(first, second)
    difference = (table[1] - table[2]) / sum(table)
    assert -1.0 <= low <= difference <= high <= 1.0
    assert low < high
    assert paired_interval(second, first) == pytest.approx((-high, -low))


def trials_of(*successes, each=20):
    """Outcome and object of every trial: so many successes for each object."""
    outcomes = [index < count for count in successes for index in range(each)]
    return outcomes, [name for name in range(len(successes)) for _ in range(each)]


SEVEN = (20, 20, 18, 12, 8, 4, 2)  # 84 of 140


def test_where_objects_repeat_they_are_resampled():
    outcomes, objects = trials_of(*SEVEN)
    over_objects = rate_interval(outcomes, objects)
    assert over_objects.method == "bootstrap over objects"
    assert (over_objects.low, over_objects.high) == pytest.approx((0.33, 0.86), abs=0.02)
    over_trials = rate_interval(outcomes, range(140))
    assert over_trials.method == "wilson"
    assert (over_trials.low, over_trials.high) == pytest.approx((0.52, 0.68), abs=0.005)
    assert (over_trials.low, over_trials.high) == success_interval(84, 140)


def test_alike_objects_still_tell_nothing_of_others():
    interval = rate_interval(*trials_of(20, 20, 20))
    assert interval.method == "clopper-pearson over objects"
    assert (interval.low, interval.high) == pytest.approx((0.025 ** (1 / 3), 1.0))


def test_differences_resample_objects_where_they_repeat():
    first, objects = trials_of(*SEVEN)
    second, _ = trials_of(20, 20, 20, 14, 2, 4, 2)
    assert rate_difference_interval(first, second, range(140), range(140)).method.startswith(
        "newcombe"
    )
    trials_low, trials_high = paired_interval(first, second)
    interval = rate_difference_interval(first, second, objects, objects)
    assert interval.method == "bootstrap over objects"
    assert interval.low < (84 - 82) / 140 < interval.high
    assert interval.high - interval.low > trials_high - trials_low
    # In clutter the two may have picked different objects: the wider of both counts.
    assert rate_difference_interval(first, second, range(140), objects) == interval
    assert rate_difference_interval(first, second, objects, range(140)) == interval


def test_figures_of_repeated_objects_say_how_many_there_are(tmp_path):
    outcomes, objects = trials_of(*SEVEN)
    records = [
        TrialRecord(label, trial, (f"{name:03}",), (pick(right, name=f"{name:03}"),))
        for label in ("antipodal", "oracle")
        for trial, (right, name) in enumerate(zip(outcomes, objects, strict=True))
    ]
    figures = made("dsc", "antipodal", *records)
    one, difference = figures["detectors"]["antipodal"], figures["differences"][0]
    assert (one["success"], one["trials"], one["distinct_objects"]) == (84, 140, 7)
    assert one["ci95"] == pytest.approx([0.33, 0.86], abs=0.02)
    assert one["fitting_objects"]["ci95"] == one["ci95"]
    assert one["fitting_objects"]["distinct_objects"] == 7
    # Nothing differs on seven objects: an eighth might, either way.
    unlike = 1.0 - 0.025 ** (1 / 7)
    assert difference["ci95"] == pytest.approx([-unlike, unlike])
    assert "140 common scenes with 7 distinct objects" in difference_line(difference)
    assert "resample the 7 distinct objects, not the trials" in notes_of(figures)[0]
    assert next(row[2:4] for row in part_rows(figures)) == ("84/140", "7")
    printed = io.StringIO()
    show(figures, Console(file=printed, width=200))
    assert re.search(r"antipodal │ +84/140 │ +7 │ +60.0 │", printed.getvalue())
    page = write_report(tmp_path, figures, {}, tmp_path).read_text()
    assert re.search(r">84/140</td><td[^>]*>7</td>", page)
    assert plots.rates(figures).count("7 objects") == 2


def pick(success, code="OK", name="a", **values):
    return PickResult(name, code, success=success, **values)


def made(protocol, contestants, *records):
    """A benchmark that holds these records."""
    count = 1 + max(record.trial for record in records)
    objects = {record.trial: record.objects for record in records}
    settings = BenchmarkSettings(protocol=protocol, objects="dev", trials=count)
    trials = tuple(Trial(index, objects[index], 0) for index in range(count))
    benchmark = Benchmark(settings, parse_contestants(contestants), trials)
    return summarise(benchmark, {record.key: record for record in records})


def test_figures_by_hand():
    def record(label, trial, name, one, **values):
        cleared = (name,) if one.success else ()
        return TrialRecord(label, trial, (name,), (one,), cleared, **values)

    figures = made(
        "trials",
        "antipodal",
        record("antipodal", 0, "000", pick(True, name="000"), wall_s=2.0, workers=2),
        record("antipodal", 1, "001", pick(False, "SLIPPED", "001"), wall_s=4.0, workers=2),
        record("antipodal", 2, "002", pick(False, "OK", "002"), wall_s=6.0, workers=2),
        record("oracle", 0, "000", pick(True, name="000"), tries=1),
        record("oracle", 1, "001", pick(True, name="001"), tries=3),
    )
    assert not figures["complete"]
    one, oracle = figures["detectors"]["antipodal"], figures["detectors"]["oracle"]
    assert (one["trials"], one["success"], one["false_success"]) == (3, 1, 1)
    assert one["codes"] == {"OK": 2, "SLIPPED": 1}
    assert one["failures"] == {"SLIPPED": 1, "OK": 1}
    assert one["picks_per_hour"] == pytest.approx(3600.0 * 3 / (12.0 / 2))
    assert one["share_of_oracle"] == 0.5
    assert (oracle["success"], oracle["first_try"]) == (2, 1)
    assert figures["differences"] == [
        {
            "first": "antipodal",
            "second": "oracle",
            "trials": 2,
            "distinct_objects": 2,
            "of": "rate",
            "difference": -0.5,
            "ci95": [pytest.approx(end) for end in paired_interval(*pairs(1, 0, 1, 0))],
            "method": "newcombe 1998, method 10 (paired)",
            "only_first": 0,
            "only_second": 1,
            "mcnemar_p": 1.0,
        }
    ]


def test_figures_of_cleared_tables_by_hand():
    def record(label, trial, cleared, *successes):
        picks = tuple(pick(one, "OK" if one else "EMPTY_GRIP") for one in successes)
        return TrialRecord(label, trial, ("000", "001"), picks, cleared)

    figures = made(
        "clear",
        "antipodal",
        record("antipodal", 0, ("000", "001"), True, True),
        record("antipodal", 1, ("000",), False, True, False, False),
        record("oracle", 0, ("000", "001"), True, True),
        record("oracle", 1, ("000", "001"), True, False, True),
    )
    one = figures["detectors"]["antipodal"]
    assert (one["trials"], one["success"], one["scenes"]) == (6, 3, 2)
    assert (one["cleared"], one["objects"], one["cleared_rate"]) == (3, 4, 0.75)
    assert one["per_object"]["001"]["rate"] == 0.5
    assert figures["differences"][0]["difference"] == -0.25
    assert one["distinct_objects"] == 2
    assert one["ci95_method"] == one["cleared_ci95_method"] == "bootstrap over scenes"
    assert (
        "resample scenes (percentile bootstrap), in which 2 distinct objects"
        in notes_of(figures)[0]
    )


def test_parts_of_the_papers_protocol():
    def record(label, trial, name, one):
        width_m = {"TOO_WIDE": 0.2, "DROPPED": 0.0795}.get(one.code, 0.05)  # jaws of 80 mm
        cleared = (name,) if one.success else ()
        return TrialRecord(label, trial, (name,), (one,), cleared, (width_m,))

    figures = made(
        "dsc",
        "antipodal",
        record("antipodal", 0, "000", pick(True, name="000", not_fallen=True)),
        record("antipodal", 1, "000", pick(False, "DROPPED", "000", not_fallen=True)),
        record("antipodal", 2, "000", pick(False, "TOO_WIDE", "000")),
        record("oracle", 0, "000", pick(True, name="000", not_fallen=True)),
        record("oracle", 1, "000", pick(True, name="000", not_fallen=True)),
        record("oracle", 2, "000", pick(False, "TOO_WIDE", "000")),
    )
    one = figures["detectors"]["antipodal"]
    assert (one["fitting_objects"]["success"], one["fitting_objects"]["trials"]) == (1, 3)
    assert (one["fitting_placements"]["success"], one["fitting_placements"]["trials"]) == (1, 2)
    assert one["fitting_placements"]["not_fallen"] == 2
    assert one["too_wide_placements"]["trials"] == 1
    assert one["too_wide_objects"]["trials"] == 0


def test_a_record_survives_its_line():
    record = TrialRecord(
        "a", 3, ("x", "y"), (pick(True, force_n=19.5),), ("x",), (0.1, None), 2, 0.1, 1.5
    )
    assert TrialRecord.from_line(record.to_line()) == record
    assert record.outcome() == dataclasses.replace(record, detect_s=0.0, wall_s=0.0)
    with pytest.raises(ConfigError, match="no record"):
        TrialRecord.from_line('{"detector": "a"}')


def test_a_journal_keeps_few_pictures_and_one_writer(tmp_path):
    about = {"seed": 1}
    with Journal(tmp_path / "run", about) as journal:
        for trial in range(PICTURES_PER_CODE + 2):
            journal.add(broken("a:b/c", trial, ("x",), "failed"), b"picture")
        with (
            pytest.raises(ConfigError, match="another benchmark"),
            Journal(tmp_path / "run", about),
        ):
            pass
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == PICTURES_PER_CODE
    with Journal(tmp_path / "run", about) as journal:
        assert len(journal.records) == PICTURES_PER_CODE + 2
        journal.add(broken("a:b/c", 99, ("x",), "failed"), b"picture")
        assert not journal.records["a:b/c", 99].picture


def test_a_spoilt_line_is_told_by_its_number(tmp_path):
    with Journal(tmp_path, {}) as journal:
        journal.add(broken("a", 0, ("x",), "failed"))
    path = tmp_path / "trials.jsonl"
    path.write_text("nonsense\n" + path.read_text())
    with pytest.raises(ConfigError, match=r"trials.jsonl, line 1"), Journal(tmp_path, {}):
        pass


def test_the_folder_follows_the_settings():
    contestants = parse_contestants("antipodal")
    one, other = (identity(BenchmarkSettings(seed=seed), contestants) for seed in (1, 2))
    assert default_folder(one) == default_folder(dict(one))
    assert default_folder(one) != default_folder(other)


def test_a_detector_at_a_tilt_is_a_contestant_of_its_own():
    found = parse_contestants("antipodal,fast", tilts_deg=(0.0, 40.0, 55.5))
    assert [one.label for one in found] == [
        *("antipodal", "antipodal@40", "antipodal@55.5", "fast", "fast@40", "fast@55.5"),
        "oracle",
    ]
    assert [one.camera_tilt_deg for one in found] == [0.0, 40.0, 55.5, 0.0, 40.0, 55.5, 0.0]


def test_metadata_of_weights_is_a_part_of_them(tmp_path):
    shipped = find_weights("dsc_graspnet", "cornell_rgb")
    for path in (shipped, shipped.with_suffix(".json")):
        (tmp_path / f"w{path.suffix}").write_bytes(path.read_bytes())
    label = f"dsc_graspnet:{tmp_path / 'w.safetensors'}"
    (before,) = parse_contestants(label, oracle=False)
    about = json.loads((tmp_path / "w.json").read_text())
    (tmp_path / "w.json").write_text(json.dumps(about | {"view_m": 0.1}))
    (after,) = parse_contestants(label, oracle=False)
    assert before != after


def test_more_trials_go_to_the_same_folder_and_changed_objects_do_not(tmp_path):
    (tmp_path / "box").mkdir()
    urdf = tmp_path / "box" / "box.urdf"
    urdf.write_text("<robot/>")
    few, many = (BenchmarkSettings(objects=str(tmp_path), trials=n) for n in (3, 5))
    assert default_folder(identity(few, ())) == default_folder(identity(many, ()))
    before = identity(few, ())
    urdf.write_text("<robot name='other'/>")
    assert identity(few, ()) != before


URDF = '<robot name="x"><link name="x"><collision>{}</collision></link></robot>'


@pytest.mark.parametrize(
    ("shape", "width_m"),
    [
        ('<geometry><box size="0.04 0.06 0.05"/></geometry>', 0.04),
        ('<origin rpy="0.3 1 2" xyz="1 0 0"/><geometry><box size=".1 .2 .3"/></geometry>', 0.1),
        ('<geometry><cylinder radius="0.05" length="0.2"/></geometry>', 0.1),
        ('<geometry><sphere radius="0.03"/></geometry>', 0.06),
        ('<geometry><mesh filename="m.obj" scale="2 1 1"/></geometry>', 1.0),
    ],
)
def test_the_narrowest_width(tmp_path, shape, width_m):
    corners = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 3)]
    lines = [*(f"v {x} {y} {z}" for x, y, z in corners), "f 1 2 3 4", "f 5 6 7 8"]
    (tmp_path / "m.obj").write_text("\n".join(lines))
    path = tmp_path / "model.urdf"
    path.write_text(URDF.format(shape))
    assert narrowest_m(read_object(path).parts) == pytest.approx(width_m, rel=0.005)


def test_the_width_of_an_object_as_it_lies(tmp_path):
    path = tmp_path / "model.urdf"
    path.write_text(URDF.format('<geometry><box size="0.06 0.16 0.21"/></geometry>'))
    standing = Rotation.from_euler("z", 0.7).as_matrix()
    lying = Rotation.from_euler("yz", [math.pi / 2, 0.7]).as_matrix()
    assert narrowest_lying_m(read_object(path).parts, standing) == pytest.approx(0.06, abs=1e-5)
    assert narrowest_lying_m(read_object(path).parts, lying) == pytest.approx(0.16, abs=1e-5)


def test_the_narrowest_part_of_a_mesh_counts(tmp_path):
    def block(size, x):
        return [(x + i * size, j * size, k * size) for i in (0, 1) for j in (0, 1) for k in (0, 1)]

    lines = []
    for name, size, x in (("large", 0.2, 0.0), ("small", 0.05, 0.2)):
        lines += [f"o {name}", *(f"v {a} {b} {c}" for a, b, c in block(size, x))]
        lines += ["f -8/1 -7/1 -6/1", "f -5//2 -4//2 -3//2", "f -2 -1 -8"]
    (tmp_path / "m.obj").write_text("\n".join(lines))
    path = tmp_path / "model.urdf"
    path.write_text(URDF.format('<geometry><mesh filename="m.obj"/></geometry>'))
    assert narrowest_m(read_object(path).parts) == pytest.approx(0.05, rel=0.005)


def test_a_shape_that_cannot_be_read_has_no_width(tmp_path):
    path = tmp_path / "model.urdf"
    path.write_text(URDF.format('<geometry><mesh filename="missing.obj"/></geometry>'))
    assert math.isnan(narrowest_m(read_object(path).parts))
