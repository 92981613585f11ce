"""Where the cards of a stage stand after somebody put some of them in order. Pure."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from uuid import UUID

from drippulse.crm.pipelines.state import STEP


def arrange(wanted: Sequence[UUID], current: Mapping[UUID, int], ceiling: int | None) -> dict[UUID, int]:
    """The new positions of those cards that have to move, so that `wanted` come first and in this order.

    As few as possible move, into the gaps between those that stay; without room for them all of `wanted` get new
    positions in front of the others.

    Args:
        current: positions of those of `wanted` that are in the stage already.
        ceiling: the least position of the stage's other cards; None when there are none.
    """
    staying = _staying(wanted, current, ceiling)
    positions = [current[card] if index in staying else None for index, card in enumerate(wanted)]
    filled = _fill(positions, ceiling)
    if filled is None:
        filled = _evenly(len(wanted), None, ceiling)
    return {card: place for card, place in zip(wanted, filled, strict=True) if current.get(card) != place}


def _staying(wanted: Sequence[UUID], current: Mapping[UUID, int], ceiling: int | None) -> set[int]:
    """Indices of a longest run of cards whose positions rise already, all of them before the others."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int] = {}
    for index, card in enumerate(wanted):
        place = current.get(card)
        if place is None or (ceiling is not None and place >= ceiling):
            continue
        at = bisect_left(tails, place)
        tails[at : at + 1], ends[at : at + 1] = [place], [index]
        before[index] = ends[at - 1] if at else -1
    staying: set[int] = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        staying.add(index)
        index = before[index]
    return staying


def _fill(positions: Sequence[int | None], ceiling: int | None) -> list[int] | None:
    """`positions` with numbers for None, rising and all below the ceiling; None without room."""
    anchors = [-1, *(index for index, place in enumerate(positions) if place is not None), len(positions)]
    filled: list[int] = []
    for left, right in pairwise(anchors):
        low = positions[left] if left >= 0 else None
        high = positions[right] if right < len(positions) else ceiling
        count = right - left - 1
        if low is not None and high is not None and high - low <= count:
            return None
        filled += _evenly(count, low, high)
        if right < len(positions) and high is not None:
            filled.append(high)
    return filled


def _evenly(count: int, low: int | None, high: int | None) -> list[int]:
    """`count` rising numbers between two others that leave room for them; `STEP` apart where a side is open."""
    if low is not None and high is not None:
        return [low + (high - low) * number // (count + 1) for number in range(1, count + 1)]
    if high is not None:
        return [high - STEP * number for number in range(count, 0, -1)]
    return [(low or 0) + STEP * number for number in range(1, count + 1)]
