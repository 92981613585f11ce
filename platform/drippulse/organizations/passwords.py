"""Passwords: argon2id, and the same time for users who do not exist."""

import asyncio
import base64
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


def _of_nobody() -> str:
    """A hash for which nobody has the password. Comparing with it takes as long as with any other."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")
        for length in (_hasher.salt_len, _hasher.hash_len)
    )
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${digest}"


_absent = _of_nobody()


async def hash_password(password: str) -> str:
    """In a thread: argon2 is slow on purpose."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the one behind `stored`; None stands for an unknown user and takes as long."""
    try:
        matches = await asyncio.to_thread(_hasher.verify, stored or _absent, password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None
