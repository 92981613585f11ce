"""What billing does: show and change who bills are written to."""

from typing import Any

import orjson

from drippulse.crm.tables import RecordType
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.organizations.account.schemas import merged
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.billing import queries
from drippulse.organizations.billing.schemas import BillingAddress, BillingUpdate
from drippulse.organizations.policy import Principal

FIELDS = ("company_name", "email", "tax_id", "purchase_order")


async def get_billing(session: Session, principal: Principal) -> dict[str, Any]:
    row = await _row(session, principal)
    stored = orjson.loads(row["billing"])
    return {
        **{name: stored.get(name) for name in FIELDS},
        "address": {**dict.fromkeys(BillingAddress.model_fields), **stored.get("address", {})},
        "usage": await _usage(session, principal.organization_id),
        "updated_at": isoformat(row["updated_at"]),
    }


async def update_billing(session: Session, principal: Principal, data: BillingUpdate) -> dict[str, Any]:
    """Change what was sent; the audit log tells which fields, not what is in them."""
    row = await _row(session, principal, lock=True)
    before = orjson.loads(row["billing"])
    after = merged(before, data)
    if "address" in data.model_fields_set:
        after["address"] = merged(before.get("address", {}), data.address)
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if changed:
        await queries.update(session, principal.organization_id, orjson.dumps(after).decode())
        subject = ("organization", principal.organization_id)
        await audit.record(session, principal, AuditAction.BILLING_UPDATED, subject, {"fields": changed})
    return await get_billing(session, principal)


async def _usage(session: Session, organization_id: int) -> dict[str, Any]:
    row = await queries.usage(session, organization_id)
    counted = {found["record_type"]: found["records"] for found in await queries.records(session, organization_id)}
    return {
        "period_start": row["period_start"].isoformat(),
        "period_end": row["period_end"].isoformat(),
        **{name: row[name] for name in ("mails_sent", "api_requests", "members")},
        "records": {kind.value: counted.get(kind.value, 0) for kind in RecordType},
    }


async def _row(session: Session, principal: Principal, *, lock: bool = False) -> Record:
    row = await queries.billing(session, principal.organization_id, lock=lock)
    if row is None:
        raise not_found("organization")
    return row
