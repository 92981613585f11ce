"""From a bearer token to a principal, with a short-lived cache that every process keeps for itself."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from drippulse.kit.clock import Clock, utc_now
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Database, Role
from drippulse.organizations import queries
from drippulse.organizations.api_keys import looks_like_key
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.audit.logins import LoginRecorder
from drippulse.organizations.errors import InvalidCredentialsError, InvalidTokenError, TooManyLoginsError
from drippulse.organizations.keys.usage import KeyUsage
from drippulse.organizations.login_throttle import LoginThrottle
from drippulse.organizations.passwords import verify_password
from drippulse.organizations.policy import Principal, lesser
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
    """Checks credentials and counts their use. One per process; `close` it while the database is still open."""

    def __init__(self, database: Database, settings: Settings, throttle: LoginThrottle, clock: Clock = utc_now) -> None:
        self._database = database
        self._tokens = SessionTokens(settings)
        self._clock = clock
        self._cache: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._forgotten = 0
        self._logins = LoginRecorder(database)
        self.throttle = throttle
        self.usage = KeyUsage(database)

    async def principal(self, token: str) -> Principal:
        """Who sends this token.

        Raises:
            InvalidTokenError: unknown, expired, revoked, or of a session that was ended.
        """
        principal = await self._known(token)
        if principal.actor_type == "api_key":
            self.usage.count(principal.organization_id, principal.actor_id, self._clock())
        return principal

    async def _known(self, token: str) -> Principal:
        fingerprint = sha256_hex(token)
        cached = self._cache.get(fingerprint)
        if cached is not None and cached[0] > time.monotonic():
            return cached[1]
        asked, forgotten = time.monotonic(), self._forgotten
        principal = await (self._by_key(fingerprint) if looks_like_key(token) else self._by_session(token))
        if forgotten == self._forgotten:  # else it was read before something was taken away, and must not last
            self._cache[fingerprint] = (asked + CACHE_SECONDS, principal)
        while len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return principal

    def forget(self) -> None:
        """Drop the cache: what was revoked here takes effect here at once."""
        self._forgotten += 1
        self._cache.clear()

    async def forget_after_commit(self) -> None:
        """`forget`, as a hook of the transaction that takes something away."""
        self.forget()

    async def close(self) -> None:
        """Write what is still to be written: the last counts and the last failed logins."""
        await self._logins.close()
        await self.usage.close()

    async def _by_key(self, fingerprint: str) -> Principal:
        async with self._database.session(Role.AUTH) as session:
            row = await queries.key_by_hash(session, fingerprint)
        if row is None:
            raise InvalidTokenError
        role, maker, key_id = MemberRole(row["role"]), row["maker_role"], int(row["id"])
        return Principal(
            row["organization_id"],
            role if maker is None else lesser(role, MemberRole(maker)),
            "api_key",
            key_id,
            f"key:{key_id}",
            row["rate_limit"],
            row["created_by"],
        )

    async def _by_session(self, token: str) -> Principal:
        claims = self._tokens.read(token, self._clock())
        async with self._database.session(Role.AUTH) as session:
            row = await queries.member(session, claims.user_id, claims.organization_id)
        if row is None or row["session_epoch"] != claims.epoch:
            raise InvalidTokenError
        return Principal(
            claims.organization_id,
            MemberRole(row["role"]),
            "user",
            claims.user_id,
            f"session:{claims.user_id}",
            user_id=claims.user_id,
        )

    async def log_in(self, username: str, password: str, address: str) -> LoggedIn:
        """Check a password and issue a session token for the user's first organization.

        Args:
            address: where the request comes from; failed logins are limited by it and by the username.

        Raises:
            InvalidCredentialsError: the same for unknown users and wrong passwords, after the same time.
            TooManyLoginsError: whatever the password is.
        """
        try:
            await self.throttle.attempt(username, address)
        except TooManyLoginsError as refused:
            if refused.first:
                self._logins.refused(username, AuditAction.LOGIN_THROTTLED)
            raise
        async with self._database.session(Role.AUTH) as session:
            row = await queries.user_by_name(session, username)
        if not await verify_password(row["password_hash"] if row else None, password) or row is None:
            self._logins.refused(username, AuditAction.LOGIN_FAILED)
            raise InvalidCredentialsError
        await self.throttle.succeeded(username, address)
        await self._logins.succeeded(row["organization_id"], row["id"])
        token = self.issue(row["id"], row["organization_id"], row["session_epoch"])
        return LoggedIn(token, row["id"], row["username"], row["email"], row["organization_id"])

    def issue(self, user_id: int, organization_id: int, epoch: int) -> str:
        """A session token of somebody who has proven who they are."""
        return self._tokens.issue(SessionClaims(user_id, organization_id, epoch), self._clock())
