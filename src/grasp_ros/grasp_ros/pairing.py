"""Messages of several streams brought together by their stamps. No ROS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from grasp_ros.stamps import Step, step_of

ItemT = TypeVar("ItemT")


@dataclass
class _Stream(Generic[ItemT]):
    stamps: list[int] = field(default_factory=list)
    items: list[ItemT] = field(default_factory=list)

    def forget_before(self, stamp_ns: int) -> None:
        count = sum(stamp < stamp_ns for stamp in self.stamps)
        del self.stamps[:count], self.items[:count]


class StampPairer(Generic[ItemT]):
    """Pairs the items of several streams whose stamps agree.

    The first stream leads: every pair is built about one of its items. An item with exactly the
    same stamp is preferred; else the nearest within the slop, as soon as its stream has gone past
    that stamp, so that nothing nearer can come. Each leading stamp is paired at most once, and
    memory is bounded.

    Attributes:
        drops: Number of items dropped, by reason: ``unpaired`` leading items for which a stream
            had nothing within the slop, ``overtaken`` leading items older than a pair already
            made, ``overflow`` items pushed out by newer ones, ``repeated`` items with the stamp
            of an earlier one, ``clock_reset`` items of before a stream's stamps were set back.
    """

    def __init__(self, streams: Sequence[str], slop_ns: int, depth: int = 8) -> None:
        """Create an empty pairer.

        Args:
            streams: Names of the streams, the leading one first.
            slop_ns: Largest difference of stamps within a pair.
            depth: Items kept per stream.
        """
        self._slop_ns = slop_ns
        self._depth = depth
        self._newest_ns: dict[str, int] = {}
        self._leader = streams[0]
        self._streams: dict[str, _Stream[ItemT]] = {name: _Stream() for name in streams}
        self._last_pair_ns: int | None = None
        self.drops: Counter[str] = Counter()

    def add(self, stream: str, stamp_ns: int, item: ItemT) -> tuple[int, dict[str, ItemT]] | None:
        """Add an item.

        Returns:
            The newest pair that it completes: the leading stamp and the items by stream.
        """
        step = step_of(stamp_ns, self._newest_ns.get(stream))
        if step is Step.REPEATED:
            self.drops["repeated"] += 1
            return None
        if step is Step.SET_BACK:
            self.drops["clock_reset"] += sum(len(s.stamps) for s in self._streams.values())
            self.clear()
        self._newest_ns[stream] = stamp_ns
        target = self._streams[stream]
        target.stamps.append(stamp_ns)
        target.items.append(item)
        pair = self._newest_pair()
        while len(target.stamps) > self._depth:
            del target.stamps[0], target.items[0]
            self.drops["overflow"] += 1
        return pair

    def clear(self) -> None:
        """Forget all items, not the counts."""
        for stream in self._streams.values():
            stream.stamps.clear()
            stream.items.clear()
        self._newest_ns.clear()
        self._last_pair_ns = None

    def _newest_pair(self) -> tuple[int, dict[str, ItemT]] | None:
        leader = self._streams[self._leader]
        for index in reversed(range(len(leader.stamps))):
            stamp = leader.stamps[index]
            if self._last_pair_ns is not None and stamp <= self._last_pair_ns:
                break
            partners = {
                name: self._partner(other, stamp)
                for name, other in self._streams.items()
                if name != self._leader
            }
            if all(partner is not None and partner >= 0 for partner in partners.values()):
                items = {self._leader: leader.items[index]}
                for name, partner in partners.items():
                    items[name] = self._streams[name].items[partner or 0]
                self._drop_overtaken(index, stamp)
                return stamp, items
            if any(partner is not None and partner < 0 for partner in partners.values()):
                del leader.stamps[index], leader.items[index]
                self.drops["unpaired"] += 1
        return None

    def _partner(self, stream: _Stream[ItemT], stamp_ns: int) -> int | None:
        """Index of the item that belongs to a stamp; None: wait; -1: there will be none."""
        if stamp_ns in stream.stamps:
            return stream.stamps.index(stamp_ns)
        if not stream.stamps or stream.stamps[-1] < stamp_ns:
            return None
        gaps = [abs(stamp - stamp_ns) for stamp in stream.stamps]
        nearest = gaps.index(min(gaps))
        return nearest if gaps[nearest] <= self._slop_ns else -1

    def _drop_overtaken(self, index: int, stamp_ns: int) -> None:
        self.drops["overtaken"] += index
        self._last_pair_ns = stamp_ns
        leader = self._streams[self._leader]
        del leader.stamps[: index + 1], leader.items[: index + 1]
        for name, stream in self._streams.items():
            if name != self._leader:
                stream.forget_before(stamp_ns - self._slop_ns)
