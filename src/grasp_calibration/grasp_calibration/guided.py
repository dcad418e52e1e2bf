"""Views that the user brings the arm to, one after another."""

from __future__ import annotations

from collections.abc import Callable

from grasp_calibration.degeneracy import MIN_TURN_DEG, MIN_VIEWS, turns_deg
from grasp_calibration.errors import BoardNotSeen
from grasp_calibration.station import Say, ViewTaker
from grasp_core.errors import NoImage, NoTransform

DONE = "d"
ADVICE = (
    f"Move the arm to a view, let it come to rest, press Enter; {DONE} and Enter when done. "
    "Tilt the hand by 15 to 35 degrees to all sides and turn it, the board all over the image."
)


def guided_round(
    taker: ViewTaker,
    ask: Callable[[str], str],
    wait: Callable[[], None],
    say: Say,
    mount: str,
    views: int,
) -> None:
    """Take views when the user says so, until there are enough or the user is done.

    Args:
        taker: Takes them.
        ask: Shows a prompt and returns what the user typed.
        wait: Lets time pass.
        say: Tells the user.
        mount: ``fixed`` or ``hand``.
        views: Enough.

    Raises:
        BadImage, BadCalibration: The camera cannot be used.
    """
    say(ADVICE)
    while len(taker.views) < views:
        if ask(f"[{len(taker.views)} of {views}] Enter, or {DONE}: ").strip() == DONE:
            return
        try:
            taker.take(wait)
        except (BoardNotSeen, NoImage, NoTransform) as failure:
            say(f"skipped: {failure}")
            continue
        if len(taker.views) >= MIN_VIEWS:
            _tell_turns(taker, say, mount)


def _tell_turns(taker: ViewTaker, say: Say, mount: str) -> None:
    """Say what the views lack so far."""
    (first, second, _), axes = turns_deg([view.carrier(mount) for view in taker.views])
    if second < 2.0 * MIN_TURN_DEG:
        x, y, z = axes[1]
        say(
            f"the hand has turned by {first:.0f} and {second:.0f} deg about its two main axes: "
            f"turn it more about ({x:+.2f}, {y:+.2f}, {z:+.2f})"
        )
