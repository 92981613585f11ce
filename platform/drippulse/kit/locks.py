"""Advisory locks by name."""

import hashlib


def lock_number(name: str) -> int:
    """The number that PostgreSQL's advisory locks take, for a name: 64 bits, signed."""
    return int.from_bytes(hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest(), signed=True)
