"""How a tried grasp can end."""

from __future__ import annotations

import enum


class Hold(enum.Enum):
    """How a tried grasp ended."""

    HELD = "held"
    COLLIDES = "collides"  # the open hand would be inside something
    EMPTY = "empty"  # the fingers met
    LOST = "lost"  # what was gripped did not come up with the hand
