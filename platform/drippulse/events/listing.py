"""How the event log is listed."""

from typing import Any

from drippulse.events import intake
from drippulse.kit.db import Session
from drippulse.kit.filters import exact, text, timestamp
from drippulse.kit.listing import Listing
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Principal

FILTERS = {
    "type": exact(text("Only events of this type.")),
    "key": exact(text("Only events about this address or lead_ref.")),
    "record_type": exact(text("Only events of this kind of record.")),
    "record_id": exact(text("Only events of this record.")),
}
SINCE = exact(timestamp("Only events since this time, ISO 8601."))
LISTING = Listing({"created_at": "e.id"}, {**FILTERS, "since": SINCE}, full_limit=intake.LIST_LIMIT)


async def list_log(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """`{events, total_count, next_cursor}`, newest first."""
    filters = {name: wanted.value(name) for name in FILTERS}
    organization_id, since = principal.organization_id, wanted.value("since")
    return await intake.list_events(session, organization_id, wanted.page, filters, since)
