"""Recording what changed, in the transaction that changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drippulse.crm.changes.tables import ChangeAction, Source
from drippulse.crm.presentation import Row
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Session
from drippulse.kit.json import dump_json

NEXT = "SELECT nextval('changeset_id_seq')"
# The changeset is written with its changes, again after a savepoint took it back.
RECORD = """WITH opened AS (
  INSERT INTO changeset (id, organization_id, source, actor_type, actor_id, label, reverts_id)
  VALUES ($2, $1, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING)
INSERT INTO change_event (organization_id, changeset_id, record_type, record_id, record_public_id, action, actor_type,
  actor_id, before, after)
VALUES ($1, $2, $8, $9, $10, $11, $4, $5, $12, $13)"""


@dataclass(slots=True)
class OpenChangeset:
    """A changeset under way. Nothing is stored before its first change."""

    source: Source = Source.API
    label: str = ""
    reverts_id: int | None = None
    quiet: bool = False
    """No events for automations: workflows and webhooks do not hear of these changes."""
    id: int | None = field(default=None)

    async def number(self, session: Session) -> int:
        if self.id is None:
            self.id = int(await session.fetchval(NEXT))
        return self.id


SOURCES = {"workflow": Source.WORKFLOW, "agent": Source.AGENT, "lead_form": Source.LEAD_FORM, "import": Source.IMPORT}


def changeset_of(session: Session, actor: Actor) -> OpenChangeset:
    """The one of this transaction and actor: what one API call changes belongs together."""
    key = ("changeset", actor.organization_id, actor.actor_type, actor.actor_id)
    return session.memo.setdefault(key, OpenChangeset(SOURCES.get(actor.actor_type, Source.API)))


async def record(
    session: Session,
    actor: Actor,
    changeset: OpenChangeset,
    kind: RecordType,
    action: ChangeAction,
    row: Row,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """One change of a record; `before` and `after` are values as answers show them."""
    await session.execute(
        RECORD,
        actor.organization_id,
        await changeset.number(session),
        changeset.source,
        actor.actor_type,
        actor.actor_id,
        changeset.label,
        changeset.reverts_id,
        kind.value,
        row["id"],
        row["public_id"],
        action.value,
        None if before is None else dump_json(before),
        None if after is None else dump_json(after),
    )
