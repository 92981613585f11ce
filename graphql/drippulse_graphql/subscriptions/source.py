"""What a subscription field answers: which entries of the log it wants, and from where on."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import strawberry

from drippulse.events.log_position import LogPosition, decode_position, encode_position
from drippulse.events.log_reading import LogEntry
from drippulse_graphql.kit.selection import Row


class Wanted(Protocol):
    """A filter over the log. Equal ones with equal documents are executed once for all who subscribe."""

    @property
    def latest_only(self) -> bool:
        """Of many entries at once only the last is told: it is about a state."""
        ...

    @property
    def first(self) -> str | None:
        """The type of a message that comes at once, before anything happens."""
        ...

    def takes(self, entry: LogEntry) -> bool: ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Source:
    """A subscription field's resolver answers one; the feed does the rest.

    graphql-core asks for something to iterate over, which nobody does.
    """

    wanted: Wanted
    after: LogPosition | None

    def __aiter__(self) -> AsyncIterator[Any]:
        raise TypeError("a subscription is read through the feed")


def source(wanted: Wanted, after: str | None) -> Any:
    """Raises BadEventCursorError."""
    return Source(wanted, None if after is None else decode_position(after))


def payload_of(entry: LogEntry, wanted: Wanted) -> Row:
    """What the fields of a payload read from."""
    return {
        "cursor": encode_position(entry.position),
        "type": entry.type,
        "at": entry.at,
        "entry": entry,
        "wanted": wanted,
    }


def chosen(wanted: Wanted, entries: list[LogEntry]) -> list[LogEntry]:
    """Those to tell of."""
    found = [entry for entry in entries if wanted.takes(entry)]
    return found[-1:] if wanted.latest_only else found


def told(resolver: Callable[..., Any], description: str | None = None) -> Any:
    """A field of a payload, made of its entry."""
    return strawberry.field(resolver=resolver, description=description)
