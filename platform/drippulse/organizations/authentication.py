"""From a bearer token to a principal, with a short-lived cache that every process keeps for itself."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from drippulse.kit.clock import Clock, utc_now
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Database, Role
from drippulse.organizations import queries
from drippulse.organizations.api_keys import looks_like_key
from drippulse.organizations.errors import InvalidCredentialsError, InvalidTokenError
from drippulse.organizations.login_throttle import LoginThrottle
from drippulse.organizations.passwords import verify_password
from drippulse.organizations.policy import Principal
from drippulse.organizations.session_tokens import SessionClaims, SessionTokens
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings

CACHE_SECONDS = 4.0  # a revoked key stops working within 5 s everywhere
CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class LoggedIn:
    token: str
    user_id: int
    username: str
    email: str | None
    organization_id: int


class Authenticator:
    """Checks credentials. One per process."""

    def __init__(self, database: Database, settings: Settings, throttle: LoginThrottle, clock: Clock = utc_now) -> None:
        self._database = database
        self._throttle = throttle
        self._tokens = SessionTokens(settings)
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    async def principal(self, token: str) -> Principal:
        """Who sends this token.

        Raises:
            InvalidTokenError: unknown, expired, revoked, or of a session that was ended.
        """
        fingerprint = sha256_hex(token)
        cached = self._cache.get(fingerprint)
        if cached is not None and cached[0] > time.monotonic():
            return cached[1]
        principal = await (self._by_key(fingerprint) if looks_like_key(token) else self._by_session(token))
        self._cache[fingerprint] = (time.monotonic() + CACHE_SECONDS, principal)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return principal

    def forget(self) -> None:
        """Drop the cache: what was revoked here takes effect here at once."""
        self._cache.clear()

    async def _by_key(self, fingerprint: str) -> Principal:
        async with self._database.session(Role.AUTH) as session:
            row = await queries.key_by_hash(session, fingerprint)
        if row is None:
            raise InvalidTokenError
        key_id = int(row["id"])
        return Principal(row["organization_id"], MemberRole(row["role"]), "api_key", key_id, f"key:{key_id}")

    async def _by_session(self, token: str) -> Principal:
        claims = self._tokens.read(token, self._clock())
        async with self._database.session(Role.AUTH) as session:
            row = await queries.member(session, claims.user_id, claims.organization_id)
        if row is None or row["session_epoch"] != claims.epoch:
            raise InvalidTokenError
        return Principal(
            claims.organization_id, MemberRole(row["role"]), "user", claims.user_id, f"session:{claims.user_id}"
        )

    async def log_in(self, username: str, password: str, address: str) -> LoggedIn:
        """Check a password and issue a session token for the user's first organization.

        Args:
            address: where the request comes from; failed logins are limited by it and by the username.

        Raises:
            InvalidCredentialsError: the same for unknown users and wrong passwords, after the same time.
            TooManyLoginsError: whatever the password is.
        """
        await self._throttle.attempt(username, address)
        async with self._database.session(Role.AUTH) as session:
            row = await queries.user_by_name(session, username)
        if not await verify_password(row["password_hash"] if row else None, password) or row is None:
            raise InvalidCredentialsError
        await self._throttle.succeeded(username, address)
        claims = SessionClaims(row["id"], row["organization_id"], row["session_epoch"])
        token = self._tokens.issue(claims, self._clock())
        return LoggedIn(token, row["id"], row["username"], row["email"], row["organization_id"])
