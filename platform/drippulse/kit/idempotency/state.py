"""What an idempotency key stands for. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from drippulse.kit.idempotency.errors import InvalidIdempotencyKeyError
from drippulse.kit.locks import lock_number

KEPT = timedelta(hours=24)
LONGEST_PATH = 500
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a key counts: in one organization, for one method and path."""

    organization_id: int
    method: str
    path: str
    key: str

    @property
    def place(self) -> tuple[int, str, str, str]:
        return self.organization_id, self.method, self.path, self.key

    @property
    def context(self) -> str:
        """What a kept answer is encrypted for."""
        return "\0".join(("idempotency", *map(str, self.place)))

    @property
    def lock(self) -> int:
        """The number of the advisory lock that serializes its uses."""
        return lock_number(self.context)


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: its status, its body byte for byte, and the headers that go with it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def read_key(header: str | None) -> str | None:
    """The key of a request; None when it has none. Raises InvalidIdempotencyKeyError."""
    if header is None:
        return None
    if _KEY.fullmatch(header) is None or not header.strip():
        raise InvalidIdempotencyKeyError
    return header


def stored_path(path: str) -> str:
    """A path as it is kept: without a slash at the end; its hash where an index could not hold it."""
    plain = path.rstrip("/")
    if len(plain) <= LONGEST_PATH and plain.isprintable():
        return plain
    return hashlib.sha256(plain.encode(errors="surrogatepass")).hexdigest()


def fingerprint(body: Any) -> bytes:
    """The same for bodies that differ in nothing but blanks and the order of keys."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()


def fingerprint_of(raw: bytes, *, is_json: bool, query: bytes = b"") -> bytes:
    """The fingerprint of a request: of its JSON, else of its bytes, and of the query string where it has one."""
    return with_query(_of_body(raw, is_json=is_json), query)


def with_query(found: bytes, query: bytes) -> bytes:
    """The fingerprint of a body and of the query string that was sent with it."""
    return hashlib.sha256(found + query).digest() if query else found


def _of_body(raw: bytes, *, is_json: bool) -> bytes:
    try:
        return fingerprint(orjson.loads(raw) if raw else {}) if is_json or not raw else hashlib.sha256(raw).digest()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return hashlib.sha256(raw).digest()  # the handler says what is wrong with it
