"""Stamps brought together: exact first, nearest within the slop, nothing twice."""

from __future__ import annotations

import pytest

from grasp_ros.pairing import StampPairer

MS = 1_000_000


def feed(pairer, *messages):
    """Add (stream, ms) messages; the pairs as {stream: ms}."""
    pairs = []
    for stream, ms in messages:
        pair = pairer.add(stream, ms * MS, ms)
        if pair is not None:
            assert pair[0] == pair[1]["a"] * MS
            pairs.append(pair[1])
    return pairs


CASES = {
    "exact, any order": ([("b", 0), ("a", 0)], [{"a": 0, "b": 0}]),
    "exact beats an earlier near one": (
        [("b", 95), ("a", 100), ("b", 100)],
        [{"a": 100, "b": 100}],
    ),
    "nearest once its stream went past": (
        [("b", 95), ("a", 100), ("b", 128)],
        [{"a": 100, "b": 95}],
    ),
    "nearest may be the later one": ([("b", 85), ("a", 100), ("b", 104)], [{"a": 100, "b": 104}]),
    "beyond the slop": ([("b", 70), ("a", 100), ("b", 130)], []),
    "waits while something nearer may come": ([("b", 95), ("a", 100)], []),
    "newest of several wins": (
        [("a", 0), ("a", 33), ("b", 33), ("b", 66), ("a", 66)],
        [{"a": 33, "b": 33}, {"a": 66, "b": 66}],
    ),
    "late messages do not go back": (
        [("a", 0), ("a", 33), ("b", 33), ("b", 0)],
        [{"a": 33, "b": 33}],
    ),
    "repeated stamps count once": (
        [("a", 0), ("b", 0), ("a", 0), ("b", 0)],
        [{"a": 0, "b": 0}],
    ),
    "a clock set back starts anew": (
        [("a", 9000), ("b", 9000), ("a", 10), ("b", 10)],
        [{"a": 9000, "b": 9000}, {"a": 10, "b": 10}],
    ),
}


@pytest.mark.parametrize(("messages", "expected"), CASES.values(), ids=CASES.keys())
def test_pairs(messages, expected):
    assert feed(StampPairer(("a", "b"), 20 * MS), *messages) == expected


def test_three_streams_need_all():
    pairer = StampPairer(("a", "b", "c"), 20 * MS)
    assert feed(pairer, ("a", 0), ("b", 0)) == []
    assert feed(pairer, ("c", 0)) == [{"a": 0, "b": 0, "c": 0}]


def test_memory_is_bounded_and_drops_are_counted():
    pairer = StampPairer(("a", "b"), 20 * MS, depth=4)
    assert feed(pairer, *(("a", 33 * i) for i in range(100))) == []
    assert pairer.drops["overflow"] == 96
    assert feed(pairer, ("b", 33 * 98), ("b", 33 * 99)) == [
        {"a": 33 * 98, "b": 33 * 98},
        {"a": 33 * 99, "b": 33 * 99},
    ]
    assert pairer.drops["overtaken"] == 2


def test_unpaired_are_counted():
    pairer = StampPairer(("a", "b"), 5 * MS)
    feed(pairer, ("a", 0), ("b", 50), ("a", 50))
    assert pairer.drops["unpaired"] == 1
