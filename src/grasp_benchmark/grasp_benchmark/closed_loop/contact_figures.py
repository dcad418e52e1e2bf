"""How hard arm, hand and carried object touched what they should not, over the picks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grasp_benchmark.closed_loop.record import TrialRecord

LIMIT_N = 60.0
"""Contacts above this are listed one by one."""

BINS_N = (0.0, 1.0, 5.0, 20.0, LIMIT_N, float("inf"))
PERCENTILES = (50, 90, 95, 99)


def contact_figures(records: Sequence[TrialRecord]) -> dict[str, Any]:
    """Distribution of the hardest contact of each pick, for JSON.

    Returns:
        ``picks``; ``touched``, those with any contact; ``percentiles_n`` and ``max_n``;
        ``counts`` for the ranges between BINS_N; ``hard``, each contact above LIMIT_N with its
        scene; ``unseen``, the hard contacts with what no image had shown, and the hardest of them.
    """
    picks = [(record, pick) for record in records for pick in record.picks]
    forces = np.array([pick.contact_n for _, pick in picks])
    counts, _ = np.histogram(forces[forces > 0.0], BINS_N)
    return {
        "picks": len(picks),
        "touched": int(np.count_nonzero(forces)),
        "percentiles_n": {
            str(share): float(np.percentile(forces, share)) for share in PERCENTILES
        },
        "max_n": float(forces.max()),
        "counts": counts.tolist(),
        "hard": [
            {"trial": record.trial, "contact": pick.contact, "force_n": pick.contact_n}
            for record, pick in picks
            if pick.contact_n > LIMIT_N
        ],
        "unseen": {
            "max_n": max(pick.unseen_contact_n for _, pick in picks),
            "hard": [
                {
                    "trial": record.trial,
                    "contact": pick.unseen_contact,
                    "force_n": pick.unseen_contact_n,
                }
                for record, pick in picks
                if pick.unseen_contact_n > LIMIT_N
            ],
        },
    }


def contact_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """The distributions in words, where posts stood about.

    Args:
        figures: Of the benchmark, with ``contacts`` for each detector.
    """
    if not figures["settings"]["posts"]:
        return
    yield (
        "contacts: the hardest of each pick, mean over 20 ms, of arm, hand and carried object; "
        "the target and what it stood on excepted"
    )
    for label, detector in figures["detectors"].items():
        yield from _lines_of(label, detector["contacts"])


def _lines_of(label: str, contacts: Mapping[str, Any]) -> Iterator[str]:
    shares = ", ".join(f"{q} % {force:.1f}" for q, force in contacts["percentiles_n"].items())
    counts = ", ".join(
        f"{count} of {low:.0f}-{high:.0f} N" if np.isfinite(high) else f"{count} above {low:.0f} N"
        for low, high, count in zip(BINS_N[:-1], BINS_N[1:], contacts["counts"], strict=True)
    )
    yield (
        f"{label}: {contacts['touched']} of {contacts['picks']} picks touched something known or "
        f"seen: {counts}; percentiles {shares}, at most {contacts['max_n']:.1f} N"
    )
    for contact in contacts["hard"]:
        yield f"{label}: {_hard(contact)}"
    unseen = contacts["unseen"]
    yield f"{label}: at most {unseen['max_n']:.1f} N with what no image had shown"
    for contact in unseen["hard"]:
        yield f"{label}: {_hard(contact)}, which no image had shown"


def _hard(contact: Mapping[str, Any]) -> str:
    return f"scene {contact['trial']}, {contact['force_n']:.0f} N, {contact['contact']}"
