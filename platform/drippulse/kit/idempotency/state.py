"""What an idempotency key stands for. Pure."""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from drippulse.kit.idempotency.errors import InvalidIdempotencyKeyError
from drippulse.kit.locks import lock_number

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a key counts: in one organization, for one method and path."""

    organization_id: int
    method: str
    path: str
    key: str

    @property
    def lock(self) -> int:
        """The number of the advisory lock that serializes its uses."""
        return lock_number(f"idempotency\0{self.organization_id}\0{self.method}\0{self.path}\0{self.key}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: its status and its body, byte for byte."""

    status: int
    body: bytes


def read_key(header: str | None) -> str | None:
    """The key of a request; None when it has none. Raises InvalidIdempotencyKeyError."""
    if header is None:
        return None
    if _KEY.fullmatch(header) is None or not header.strip():
        raise InvalidIdempotencyKeyError
    return header


def fingerprint(body: Any) -> bytes:
    """The same for bodies that differ in nothing but blanks and the order of keys."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
