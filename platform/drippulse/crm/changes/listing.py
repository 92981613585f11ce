"""How changes of records, and changesets, are listed."""

from uuid import UUID

from drippulse.crm.changes.queries import EVENT_SORTS
from drippulse.crm.changes.tables import ChangeAction, Source
from drippulse.crm.tables import PUBLIC_PREFIX, RecordType
from drippulse.kit.filters import Field, Kind, Operator, choice, integer, text, timestamp
from drippulse.kit.listing import Listing
from drippulse.kit.public_ids import decode_id


def _record(given: str) -> UUID:
    """A UUID or a public id, which is the UUID in other letters. Raises ValueError."""
    try:
        return UUID(given)
    except ValueError:
        pass
    for prefix in PUBLIC_PREFIX.values():
        number = decode_id(prefix, given)
        if number is not None and number < 1 << 128:
            return UUID(int=number)
    raise ValueError("must be the UUID or the public id of a record.")


EVENTS = Listing(
    EVENT_SORTS,
    {
        "record_type": choice(RecordType, "Only changes of records of this type."),
        "record_id": Field(Kind.UUID, "Only changes of this record: UUID or public id.", read=_record),
        "action": choice(ChangeAction, "Only changes of this kind."),
        "actor_type": text("user, api_key, lead_form, workflow, agent, import or system."),
        "actor_id": integer("Id of who did it."),
        "changeset_id": integer("Only changes of this changeset."),
        "created_at": timestamp("When it happened."),
        "since": Field(
            Kind.TIMESTAMP, "Only what happened at this time or later.", operators=(Operator.EQ,), single=True
        ),
    },
    full_limit=500,
)
CHANGESETS = Listing(
    EVENT_SORTS,
    {
        "source": choice(Source, "Only changesets that come from this."),
        "actor_type": text("Who did it."),
        "actor_id": integer("Id of who did it."),
        "created_at": timestamp("When it happened."),
    },
    full_limit=500,
)
