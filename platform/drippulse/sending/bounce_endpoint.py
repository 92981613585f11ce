"""Who may report bounces: the organization's own secret, or a signed token for providers that cannot sign.

Both are derived from the installation's secret key, the organization and a generation that rotating raises; nothing
secret is stored.
"""

import base64
from collections.abc import Mapping
from datetime import datetime

from drippulse.kit.crypto import LinkSigner, SignatureError, derive_key
from drippulse.kit.db import Database, Session
from drippulse.kit.ids import MAX_ID
from drippulse.kit.standard_webhooks import SECRET_PREFIX, is_signed
from drippulse.sending import queries
from drippulse.sending.errors import BounceCredentialError
from drippulse.settings import Settings

PATH = "/api/v1/webhooks/nurture/bounce"


class BounceEndpoint:
    """Makes and checks the credentials of one installation's bounce webhooks."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.public_url.rstrip("/") + PATH
        self._secret_key = settings.secret_key.get_secret_value()
        self._signer = LinkSigner(settings)

    async def shown(self, session: Session, organization_id: int) -> dict[str, str | None]:
        """What an Admin gives to the provider."""
        row = await queries.state(session, organization_id)
        generation = row["bounce_generation"]
        token = self._signer.sign(f"b:{organization_id}:{generation}")
        return {
            "url": f"{self._base}?organization={organization_id}",
            "secret": SECRET_PREFIX + base64.b64encode(self._key(organization_id, generation)).decode(),
            "token_url": f"{self._base}?token={token}",
            "confirm_url": row["confirm_url"],
        }

    async def organization(
        self,
        database: Database,
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
        organization: str | None,
        token: str | None,
    ) -> int:
        """Whose report it is.

        Raises:
            BounceCredentialError: not proven; the same for an organization that does not exist.
        """
        if token:
            claimed, generation = self._from_token(token)
        else:
            claimed, generation = _number(organization), None
        async with database.tenant(claimed) as session:
            row = await queries.find_state(session, claimed)
        if row is None:
            raise BounceCredentialError
        if generation is None:
            if not is_signed(self._key(claimed, row["bounce_generation"]), headers, body, now):
                raise BounceCredentialError
        elif generation != row["bounce_generation"]:
            raise BounceCredentialError
        return claimed

    def _from_token(self, token: str) -> tuple[int, int]:
        try:
            kind, claimed, generation = self._signer.verify(token).split(":")
        except (SignatureError, ValueError):
            raise BounceCredentialError from None
        if kind != "b":
            raise BounceCredentialError
        return int(claimed), int(generation)

    def _key(self, organization_id: int, generation: int) -> bytes:
        return derive_key(self._secret_key, f"bounce:{organization_id}:{generation}")


def _number(text: str | None) -> int:
    if text and text.isascii() and text.isdigit() and 0 < int(text[:20]) <= MAX_ID:
        return int(text)
    raise BounceCredentialError
