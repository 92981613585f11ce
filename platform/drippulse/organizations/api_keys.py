"""API keys: how they look and how they are kept."""

import secrets
from dataclasses import dataclass

from drippulse.kit.crypto import sha256_hex

LIVE_PREFIX = "adcrm_live_"
TEST_PREFIX = "adcrm_test_"
RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `key` is shown once; the rest is stored."""

    key: str
    key_hash: str
    key_prefix: str
    last_four: str


def make_key(*, live: bool = True) -> NewKey:
    """256 random bits behind a prefix that says what it is."""
    prefix = LIVE_PREFIX if live else TEST_PREFIX
    key = prefix + secrets.token_urlsafe(RANDOM_BYTES)
    return NewKey(key, sha256_hex(key), prefix, key[-4:])


def looks_like_key(token: str) -> bool:
    return token.startswith((LIVE_PREFIX, TEST_PREFIX))
