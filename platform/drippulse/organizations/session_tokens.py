"""Session JWTs: HS256 with a key of their own, every registered claim required (RFC 7519, RFC 8725)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.jwt import JWTClaimsRegistry

from drippulse.kit.crypto import derive_key
from drippulse.kit.ids import is_id
from drippulse.organizations.errors import InvalidTokenError
from drippulse.settings import Settings

ISSUER = "drippulse"
AUDIENCE = "drippulse-session"
LIFETIME = timedelta(hours=12)
LEEWAY_SECONDS = 30
MAX_TOKEN_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class SessionClaims:
    user_id: int
    organization_id: int
    epoch: int


class SessionTokens:
    """Issues and reads session tokens."""

    def __init__(self, settings: Settings) -> None:
        self._key = OctKey.import_key(derive_key(settings.secret_key.get_secret_value(), "sessions"))

    def issue(self, claims: SessionClaims, now: datetime) -> str:
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "org": claims.organization_id,
            "epoch": claims.epoch,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        return jwt.encode({"alg": "HS256"}, payload, self._key)

    def read(self, token: str, now: datetime) -> SessionClaims:
        """Raises InvalidTokenError for any token that `issue` did not make or that has run out."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidTokenError
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            org={"essential": True},
            epoch={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
            registry.validate(claims)
            read = SessionClaims(int(claims["sub"]), int(claims["org"]), int(claims["epoch"]))
        except (JoseError, ValueError, TypeError, KeyError):
            raise InvalidTokenError from None
        if not (is_id(read.user_id) and is_id(read.organization_id)):
            raise InvalidTokenError
        return read
