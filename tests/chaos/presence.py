"""When anything could be claimed at all: PostgreSQL took connections, and a worker was up and not stopped."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Span: TypeAlias = tuple[float, float]
"""From when to when, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Presence:
    """`up` does not overlap and is in order."""

    up: Sequence[Span]

    def seconds(self, span: Span) -> float:
        """How much of a span it was."""
        return sum(max(min(span[1], end) - max(span[0], start), 0.0) for start, end in self.up)


def presence(workers: Iterable[Span], outages: Iterable[Span]) -> Presence:
    """`workers`: the time in which each was up; `outages`: that in which PostgreSQL was not."""
    return Presence(list(without(merged(workers), merged(outages))))


def merged(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def without(spans: Iterable[Span], holes: Sequence[Span]) -> Iterator[Span]:
    """What is left of each span; `holes` do not overlap and are in order."""
    for start, end in spans:
        at = start
        for hole_start, hole_end in holes:
            if hole_end > at and hole_start < end:
                if hole_start > at:
                    yield at, hole_start
                at = max(at, hole_end)
        if at < end:
            yield at, end
