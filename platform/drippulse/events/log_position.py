"""Places in the event log, and the opaque cursors that clients keep of them."""

import base64
import binascii
import re
from typing import NamedTuple

from drippulse.kit.errors import BadRequestError

MAX_XID = 2**63 - 1
WRITTEN = re.compile(r"e1\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})", re.ASCII)


class BadEventCursorError(BadRequestError):
    """It was not made by a subscription."""

    code = "bad_cursor"


class LogPosition(NamedTuple):
    """Right behind an event: (transaction, id), the order in which the log becomes complete. Everything up to (xid, 0)
    has been read when `xid` was the oldest transaction that was open."""

    xid: int
    id: int


def encode_position(position: LogPosition) -> str:
    return base64.urlsafe_b64encode(f"e1.{position.xid}.{position.id}".encode()).decode().rstrip("=")


def decode_position(cursor: str) -> LogPosition:
    """Raises BadEventCursorError."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = WRITTEN.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_XID:
        raise BadEventCursorError(
            "This cursor was not made by a subscription. Send back a `cursor` of an event, or start without one."
        )
    return LogPosition(int(found[1]), int(found[2]))
