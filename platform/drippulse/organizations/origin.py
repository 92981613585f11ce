"""Where a request comes from, for the audit log: set at the edge, read where an act is recorded."""

from contextvars import ContextVar
from dataclasses import dataclass

from drippulse.kit.addresses import one_line

LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Origin:
    """An address and what the client calls itself; both empty for what no request began."""

    address: str = ""
    user_agent: str = ""


NOWHERE = Origin()
_current: ContextVar[Origin] = ContextVar("drippulse_origin", default=NOWHERE)


def came_from(address: str, user_agent: str) -> None:
    """The running request comes from there. Tasks that it starts know it too."""
    _current.set(Origin(address, one_line(user_agent)[:LONGEST_AGENT]))


def current_origin() -> Origin:
    return _current.get()
