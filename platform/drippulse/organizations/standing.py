"""Whether credentials still hold, of many at once and past every cache: for connections that stay open."""

import base64
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import orjson

from drippulse.kit.clock import utc_now
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Database, Role
from drippulse.organizations.api_keys import looks_like_key
from drippulse.organizations.policy import Principal, lesser
from drippulse.organizations.session_tokens import LEEWAY_SECONDS, SessionTokens
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings

# The conditions are those of a sign-in: see `queries.KEY` and `queries.member`.
STANDING = """SELECT k.key_hash AS fingerprint, 0::bigint AS user_id, k.organization_id, 0::bigint AS epoch, k.role,
  m.role AS maker_role
FROM api_key k LEFT JOIN membership m
  ON m.organization_id = k.organization_id AND m.user_id = k.created_by AND m.status = 'active'
WHERE k.key_hash = ANY ($1::text[]) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
  AND (k.created_by IS NULL OR m.id IS NOT NULL)
UNION ALL
SELECT '', m.user_id, m.organization_id, u.session_epoch, m.role, NULL
FROM unnest($2::bigint[], $3::bigint[]) AS t (user_id, organization_id)
JOIN membership m USING (user_id, organization_id) JOIN app_user u ON u.id = m.user_id
WHERE m.status = 'active'"""


@dataclass(frozen=True, slots=True)
class Credential:
    """What is kept of a token that was checked once: never an API key itself. `expires` is by `time.time()`."""

    organization_id: int
    role: MemberRole
    fingerprint: str = ""
    user_id: int = 0
    epoch: int = 0
    expires: float = float("inf")


def credential_of(token: str, principal: Principal, settings: Settings) -> Credential:
    """Of a token that `Authenticator.principal` has just taken. Raises InvalidTokenError if it expired since."""
    kept = Credential(principal.organization_id, principal.role)
    if looks_like_key(token):
        return replace(kept, fingerprint=sha256_hex(token))
    claims = SessionTokens(settings).read(token, utc_now())
    middle = token.split(".")[1]
    expires = orjson.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))["exp"] + LEEWAY_SECONDS
    return replace(kept, user_id=claims.user_id, epoch=claims.epoch, expires=expires)


async def still_standing(database: Database, credentials: Iterable[Credential]) -> set[Credential]:
    """Those that would be let in now, with the same role; in one statement."""
    asked = {one for one in credentials if one.expires > time.time()}
    sessions = sorted({(one.user_id, one.organization_id) for one in asked if not one.fingerprint})
    async with database.session(Role.AUTH) as session:
        rows = await session.fetch(
            STANDING,
            sorted({one.fingerprint for one in asked if one.fingerprint}),
            [user for user, _ in sessions],
            [organization for _, organization in sessions],
        )
    found: set[Credential] = set()
    for row in rows:
        role = MemberRole(row["role"])
        maker = row["maker_role"]
        role = role if maker is None else lesser(role, MemberRole(maker))
        found.add(Credential(row["organization_id"], role, row["fingerprint"], row["user_id"], row["epoch"]))
    return {one for one in asked if replace(one, expires=float("inf")) in found}
