"""UUIDs of version 7 (RFC 9562, section 5.7): they sort by the time they were made."""

import secrets
import time
from uuid import UUID

VERSION, VARIANT = 7, 2


def uuid7() -> UUID:
    """48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000 & (1 << 48) - 1
    high = milliseconds << 16 | VERSION << 12 | secrets.randbits(12)
    return UUID(int=high << 64 | VARIANT << 62 | secrets.randbits(62))
