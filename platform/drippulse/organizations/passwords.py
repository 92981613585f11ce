"""Passwords: argon2id, and the same time for users who do not exist."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
_absent = _hasher.hash("no such user: verified against so that the answer takes as long")


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
