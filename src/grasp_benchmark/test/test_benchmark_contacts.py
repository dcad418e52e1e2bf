"""What picks touched and left to an operator: kept in the record, told in figures."""

import pytest

from grasp_benchmark.closed_loop import scene_run, trial_runner
from grasp_benchmark.closed_loop.contact_figures import contact_figures, contact_lines
from grasp_benchmark.closed_loop.contestants import Contestant
from grasp_benchmark.closed_loop.plan import plan_trials
from grasp_benchmark.closed_loop.played_operator import (
    attend_to,
    operator_figures,
    operator_lines,
)
from grasp_benchmark.closed_loop.record import PickResult, TrialRecord
from grasp_benchmark.closed_loop.settings import BenchmarkSettings
from grasp_benchmark.closed_loop.trial_runner import Bench
from grasp_core.errors import Code, ConfigError
from grasp_core.transform import Transform
from grasp_executor.outcome import PickOutcome
from grasp_executor.release import ReleaseReport
from grasp_sim.contacts import ContactRecorder, Touch
from grasp_sim.objects import object_set
from grasp_sim.posts import Post, add_post

ONE = Contestant("one", "antipodal")


def records():
    """Four picks: without a contact, with two light ones, with two hard ones."""
    picks = [
        PickResult("a", "OK"),
        PickResult("a", "OK", contact_n=0.5, contact="a on bin_left"),
        PickResult("b", "OK", contact_n=8.0, contact="panda_hand on b", unseen_contact_n=2.0),
        PickResult(
            "b",
            "UNEXPECTED_CONTACT",
            contact_n=90.0,
            contact="panda_link6 on post_1",
            unseen_contact_n=70.0,
            unseen_contact="panda_hand on post_2",
        ),
    ]
    return [TrialRecord("one", index, ("a",), (pick,)) for index, pick in enumerate(picks)]


def test_the_distribution_of_contacts_by_hand():
    figures = contact_figures(records())
    assert (figures["picks"], figures["touched"]) == (4, 3)
    assert figures["max_n"] == 90.0
    assert figures["counts"] == [1, 0, 1, 0, 1]
    assert figures["percentiles_n"]["50"] == pytest.approx(4.25)
    assert figures["hard"] == [{"trial": 3, "contact": "panda_link6 on post_1", "force_n": 90.0}]
    assert figures["unseen"] == {
        "max_n": 70.0,
        "hard": [{"trial": 3, "contact": "panda_hand on post_2", "force_n": 70.0}],
    }


def test_contacts_are_told_where_posts_stood_with_scene_and_pair():
    figures = {"settings": {"posts": 2}, "detectors": {"one": {"contacts": {}}}}
    figures["detectors"]["one"]["contacts"] = contact_figures(records())
    lines = list(contact_lines(figures))
    assert any("3 of 4 picks" in line and "1 above 60 N" in line for line in lines)
    assert "one: scene 3, 90 N, panda_link6 on post_1" in lines
    assert "one: scene 3, 70 N, panda_hand on post_2, which no image had shown" in lines
    assert list(contact_lines({**figures, "settings": {"posts": 0}})) == []


def test_contacts_survive_the_file():
    for record in records():
        assert TrialRecord.from_line(record.to_line()) == record


@pytest.fixture
def bench(objects):
    settings = BenchmarkSettings(objects=str(objects), renderer="tiny", trials=2, posts=2, seed=4)
    made = Bench(settings, [ONE])
    trials = plan_trials(settings, object_set(str(objects)))
    yield made, next(trial for trial in trials if trial.objects == ("crate",))  # nobody picks it
    made.close()


def test_what_no_image_showed_is_apart_from_what_was_seen(bench, monkeypatch):
    runner, trial = bench
    post = Post(1.0, 0.7, 0.02, 0.1)
    monkeypatch.setattr(
        trial_runner,
        "place_posts",
        lambda world, camera, T_base_camera, count, seed: add_post(world, "post_0", post),
    )
    touches = [
        Touch("panda_hand", "post_0", 80.0),
        Touch("panda_hand", "crate", 7.0),
        Touch("panda_leftfinger", "bin_left", 3.0),
    ]
    monkeypatch.setattr(ContactRecorder, "touches", lambda recorder, meant: touches)
    (pick,) = runner.run(ONE, trial)[0].picks
    assert (pick.contact_n, pick.contact) == (7.0, "panda_hand on crate")
    assert (pick.unseen_contact_n, pick.unseen_contact) == (80.0, "panda_hand on post_0")


def test_a_scene_without_room_for_its_posts_is_drawn_anew(bench, monkeypatch):
    runner, trial = bench
    place, seeds = trial_runner.place_posts, []

    def refuse_first(world, camera, T_base_camera, count, seed):
        seeds.append(seed)
        if len(seeds) == 1:
            raise ConfigError("no place")
        return place(world, camera, T_base_camera, count, seed)

    monkeypatch.setattr(trial_runner, "place_posts", refuse_first)
    runner.run(ONE, trial)
    tries = trial.scene_seeds()
    assert seeds == [next(tries), next(tries)]
    assert {"post_0", "post_1"} <= runner._simulation.world.fixed.keys()


class LatchedSequence:
    """A sequence that waits for its operator; notes what the operator does."""

    def __init__(self):
        self.calls = []

    def release(self):
        self.calls.append("release")
        return ReleaseReport(True, "open")

    def acknowledge(self):
        self.calls.append("acknowledge")
        return True, "seen"


@pytest.mark.parametrize(
    ("code", "holding", "calls"),
    [
        (Code.OK, False, []),
        (Code.SLIPPED, False, []),
        (Code.DROPPED, True, ["release"]),
        (Code.HAND_NOT_EMPTY, False, ["release"]),
        (Code.NOT_ACKNOWLEDGED, False, ["acknowledge"]),
        (Code.UNEXPECTED_CONTACT, True, ["acknowledge", "release"]),
    ],
)
def test_the_operator_does_what_the_pick_leaves_to_them(code, holding, calls):
    sequence = LatchedSequence()
    outcome = PickOutcome(code=code, holding=holding)
    assert attend_to(sequence, outcome) == ("release" in calls, "acknowledge" in calls)
    assert sequence.calls == calls


def test_what_an_operator_lets_go_over_the_bin_is_no_success(bench, monkeypatch):
    runner, trial = bench
    monkeypatch.setattr(trial_runner, "place_posts", lambda *arguments: ())

    def let_go(sequence, outcome):
        world = runner._simulation.world
        over_bin = Transform.from_translation(*world.cell.bin_center, 0.15)
        world.place(world.object("crate"), over_bin)
        return True, False

    monkeypatch.setattr(scene_run, "attend_to", let_go)
    record, _ = runner.run(ONE, trial)
    (pick,) = record.picks
    assert (pick.success, pick.released, pick.acknowledged) == (False, True, False)
    assert record.cleared == ("crate",)


def test_calls_of_the_operator_are_counted_and_told():
    picks = [PickResult("a", "DROPPED", released=True), PickResult("a", "OK")]
    found = operator_figures(picks)
    assert found == {"released": 1, "acknowledged": 0}
    figures = {"detectors": {"one": {"operator": found, "trials": 2}}}
    (line,) = operator_lines(figures)
    assert line == "operator for one: 1 release(s) and 0 acknowledge(s) in 2 picks"
    quiet = {"released": 0, "acknowledged": 0}
    assert list(operator_lines({"detectors": {"one": {"operator": quiet, "trials": 2}}})) == []
