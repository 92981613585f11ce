"""Pausing a whole organization: nothing of it runs until it is resumed."""

from typing import Any

from drippulse.enrollments import hold_changes
from drippulse.enrollments.hold_changes import Change, ChangeKind
from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.holding import ResumePolicy
from drippulse.enrollments.holds import held_of_organization
from drippulse.enrollments.tables import Hold
from drippulse.events import service as events
from drippulse.kit.clock import isoformat_or_none
from drippulse.kit.db import Session
from drippulse.organizations.policy import Principal

SET_PAUSED = """UPDATE organization SET paused_at = now() WHERE id = $1 AND paused_at IS NULL RETURNING id"""
SET_RUNNING = """UPDATE organization SET paused_at = NULL WHERE id = $1 AND paused_at IS NOT NULL RETURNING id"""
PAUSED_AT = "SELECT paused_at FROM organization WHERE id = $1"


async def show_holds(session: Session, principal: Principal, changed: int = 0) -> dict[str, Any]:
    """Whether the organization is paused, and how many of its runs are held."""
    paused_at = await session.fetchval(PAUSED_AT, principal.organization_id)
    return {
        "paused": paused_at is not None,
        "paused_at": isoformat_or_none(paused_at),
        "held": await held_of_organization(session, principal.organization_id),
        "changed": changed,
        "remaining": await hold_changes.remaining(session, principal.organization_id, None),
    }


async def pause_organization(session: Session, principal: Principal) -> dict[str, Any]:
    """Hold every unfinished run of the organization; a paused one stays as it is."""
    organization_id = principal.organization_id
    await nothing_starts(session, organization_id)
    changed = 0
    if await session.fetchval(SET_PAUSED, organization_id) is not None:
        changed = await hold_changes.begin(session, principal, Change(ChangeKind.HOLD, Hold.ORGANIZATION))
        await events.append(session, "organization.paused", "organization", organization_id, principal, {})
    return await show_holds(session, principal, changed)


async def resume_organization(session: Session, principal: Principal, policy: ResumePolicy) -> dict[str, Any]:
    """Lift the organization's hold. Wake the engine after commit."""
    organization_id = principal.organization_id
    await nothing_starts(session, organization_id)
    changed = 0
    if await session.fetchval(SET_RUNNING, organization_id) is not None:
        change = Change(ChangeKind.RELEASE, Hold.ORGANIZATION, policy=policy)
        changed = await hold_changes.begin(session, principal, change)
        await events.append(session, "organization.resumed", "organization", organization_id, principal, {})
    return await show_holds(session, principal, changed)
