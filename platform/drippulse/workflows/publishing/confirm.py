"""The confirm token: what a preview showed, signed, for a quarter of an hour."""

from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from drippulse.kit.crypto import LinkSigner, SignatureError
from drippulse.workflows.publishing.errors import ConfirmTokenError, ConfirmTokenExpiredError
from drippulse.workflows.publishing.tables import Strategy

PREFIX = "publish:"
VALID_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`occupied` is [version, step index] of every group in flight, `expires` a Unix time by the database's clock.

    `places` says where those go of a migration whose steps the preview showed: step id -> `state.shown_places`.
    """

    organization_id: int
    workflow_id: int
    draft_revision: int
    live_version: int
    strategy: Strategy
    step_map: dict[str, str | None]
    occupied: list[list[int]]
    note: str
    expires: float
    places: dict[str, list[Any] | None] = field(default_factory=dict[str, "list[Any] | None"])


def sign(signer: LinkSigner, confirmation: Confirmation) -> str:
    return signer.sign(PREFIX + orjson.dumps(asdict(confirmation)).decode())


def read(signer: LinkSigner, token: str, organization_id: int, workflow_id: int, now: float) -> Confirmation:
    """What the token confirms.

    Raises:
        ConfirmTokenError: not ours, or another workflow's.
        ConfirmTokenExpiredError: it is too old.
    """
    try:
        text = signer.verify(token)
    except (SignatureError, UnicodeError):
        raise ConfirmTokenError from None
    if not text.startswith(PREFIX):
        raise ConfirmTokenError
    fields: dict[str, Any] = orjson.loads(text.removeprefix(PREFIX))
    fields["strategy"] = Strategy(fields["strategy"])
    found = Confirmation(**fields)
    if (found.organization_id, found.workflow_id) != (organization_id, workflow_id):
        raise ConfirmTokenError
    if now > found.expires:
        raise ConfirmTokenExpiredError
    return found
