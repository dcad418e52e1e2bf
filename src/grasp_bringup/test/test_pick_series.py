"""A series of picks over a client that only pretends, and the files it leaves."""

import csv
import dataclasses
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from grasp_msgs.action import Pick
from rclpy.task import Future

from grasp_bringup.client import cancel_if_accepted
from grasp_bringup.pick_record import PickRecord, PickReport, content_of
from grasp_bringup.pick_series import PickSeries, SeriesPlan
from grasp_core.errors import Code, ConfigError
from grasp_sim.objects import object_set
from grasp_sim.scene_seed import scene_seed


class PretendingClient:
    """Answers as a stack would; each pick ends with the next result."""

    def __init__(self, *results, in_bin=True):
        self.results = list(results)
        self.in_bin = in_bin
        self.scenes = []
        self.goals = []
        self.called = []

    def new_scene(self, names, seed):
        self.scenes.append((list(names), seed))
        return SimpleNamespace(names=names, renderer="tiny")

    def pick(self, goal, on_feedback):
        self.goals.append(goal)
        on_feedback(SimpleNamespace(stage="close", force_n=float("nan")))
        on_feedback(SimpleNamespace(stage="hold", force_n=19.6))
        return self.results.pop(0)

    def call(self, kind, name, request, timeout_s):
        self.called.append((name, getattr(request, "confirm", None)))
        return SimpleNamespace(success=True)

    def truth(self):
        names = self.scenes[-1][0]
        return SimpleNamespace(
            objects=[SimpleNamespace(name=name, in_bin=self.in_bin) for name in names[:1]]
        )


def result(code=Code.OK, **values):
    made = Pick.Result(code=int(code), success=code is Code.OK, **values)
    made.stages, made.stage_s = ["look", "close", "look"], [0.5, 1.0, 0.25]
    return made


PLAN = SeriesPlan(picks=2, objects="dev", clutter=3, seed=9, attempts=4)


def test_scenes_are_those_of_the_seed_and_records_tell_what_came_of_them():
    failed = result(Code.SLIPPED, message="it slipped\nlong story", force_n=float("nan"))
    client = PretendingClient(result(force_n=18.0, held_s=3.0), failed)
    told = []
    series = PickSeries(client, PLAN, told.append)
    assert series.renderer == "unknown"
    found = list(series.run())
    names = object_set("dev").draw(6, seed=9)
    assert client.scenes == [
        (names[:3], scene_seed(9, 0)),
        (names[3:], scene_seed(9, 1)),
    ]
    assert [goal.max_attempts for goal in client.goals] == [4, 4]
    assert [record for _, record in found] == series.records
    assert found[0][0] == f"pick 1 of 2: {', '.join(names[:3])}"
    first, second = series.records
    assert (first.code, first.success, first.object) == ("OK", True, names[0])
    assert (first.force_n, first.held_s, first.seconds) == (18.0, 3.0, 1.75)
    assert first.stages == {"look": 0.75, "close": 1.0}
    assert (second.code, second.success, second.force_n) == ("SLIPPED", False, None)
    assert second.sentence == "it slipped"
    assert series.renderer == "tiny"
    assert told[:3] == [f"{found[0][0]}: {what}" for what in ("placing", "close", "hold, 20 N")]


def test_a_class_is_asked_for_by_every_pick():
    client = PretendingClient(result(), result(Code.OBJECT_NOT_FOUND))
    series = PickSeries(client, replace(PLAN, pick_class="mug"))
    assert [record.code for _, record in series.run()] == ["OK", "OBJECT_NOT_FOUND"]
    assert [goal.label for goal in client.goals] == ["mug", "mug"]


def test_success_is_what_lies_in_the_bin():
    series = PickSeries(PretendingClient(result(), result(), in_bin=False), PLAN)
    list(series.run())
    assert [(one.code, one.success, one.false_success) for one in series.records] == [
        ("OK", False, True)
    ] * 2


def test_an_empty_result_is_no_success():
    dead = Pick.Result()
    series = PickSeries(PretendingClient(dead), SeriesPlan(1, "dev", 1, 0, 1))
    (record,) = (record for _, record in series.run())
    assert (record.code, record.success) == ("INTERNAL", False)


def test_records_so_far_survive_what_ends_the_series():
    client = PretendingClient(result())  # and nothing for the second pick
    series = PickSeries(client, PLAN)
    with pytest.raises(IndexError):
        list(series.run())
    assert len(series.records) == 1


@pytest.mark.parametrize(
    ("ended", "called"),
    [
        (result(), []),
        (result(Code.EMPTY_GRIP), []),
        (result(Code.DROPPED, holding=True), [("executor/release", True)]),
        (result(Code.HAND_NOT_EMPTY), [("executor/release", True)]),
        (result(Code.UNEXPECTED_CONTACT), [("executor/acknowledge", None)]),
        (result(Code.NOT_ACKNOWLEDGED), [("executor/acknowledge", None)]),
        (
            result(Code.PROTECTIVE_STOP, holding=True),
            [("executor/acknowledge", None), ("executor/release", True)],
        ),
    ],
)
def test_the_series_plays_the_operator_and_counts_it(ended, called):
    client = PretendingClient(ended)
    series = PickSeries(client, SeriesPlan(1, "dev", 1, 0, 1))
    list(series.run())
    assert client.called == called
    (record,) = series.records
    names = {name for name, _ in called}
    assert record.released is ("executor/release" in names)
    assert record.acknowledged is ("executor/acknowledge" in names)


@pytest.mark.parametrize("accepted", [True, False])
def test_a_goal_that_is_accepted_after_it_was_given_up_is_cancelled(accepted):
    cancelled = []
    sending = Future()
    sending.set_result(
        SimpleNamespace(accepted=accepted, cancel_goal_async=lambda: cancelled.append(1))
    )
    cancel_if_accepted(sending)
    assert bool(cancelled) is accepted


def test_objects_come_again_where_there_are_too_few(objects):
    series = PickSeries(PretendingClient(), SeriesPlan(3, str(objects), 1, 0, 1))
    assert (series.wanted, series.available) == (3, 2)
    with pytest.raises(ConfigError, match="no object set"):
        PickSeries(PretendingClient(), SeriesPlan(1, "nosuch", 1, 0, 1))


RECORDS = [
    PickRecord("block", "OK", True, 19.5, 20.0, 3.0, 9.25, "picked, held"),
    PickRecord("crate", "TOO_WIDE", False, None, None, 0.0, 1.0, "too wide\nby far"),
]


def test_the_report_has_a_line_and_a_picture_for_each_pick(tmp_path):
    report = PickReport(tmp_path / "new" / "report")
    image = np.full((120, 320, 3), 90, np.uint8)
    report.add(1, RECORDS[0], image)
    report.add(2, RECORDS[1], None)
    folder = tmp_path / "new" / "report"
    rows = list(csv.DictReader((folder / "picks.csv").open()))
    assert [row["code"] for row in rows] == ["OK", "TOO_WIDE"]
    assert (rows[0]["in_bin"], rows[0]["force_n"], rows[1]["force_n"]) == ("True", "19.5", "")
    assert [row["message"] for row in rows] == ["picked, held", "too wide"]
    assert [path.name for path in folder.glob("*.png")] == ["001_block_OK.png"]
    assert cv2.imread(str(folder / "001_block_OK.png")).shape == image.shape
    assert (image == 90).all()


def test_the_content_counts():
    content = content_of(RECORDS, {"seed": 7})
    assert (content["picks"], content["success"], content["false_success"]) == (2, 1, 0)
    assert (content["distinct_objects"], content["stack_faults"]) == (2, 0)
    lost = dataclasses.replace(RECORDS[1], code="HARDWARE_LOST")
    assert content_of([*RECORDS, lost], {})["stack_faults"] == 1
    assert content_of([*RECORDS, lost], {})["distinct_objects"] == 2
    assert content["seed"] == 7
    assert content["results"][0]["stages"] == {}
