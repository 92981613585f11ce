"""Pausing a whole organization: nothing of it runs until it is resumed."""

from typing import Any

from drippulse.enrollments.hold_locks import nothing_starts
from drippulse.enrollments.holding import ResumePolicy, Scope, hold_where, release_where
from drippulse.enrollments.holds import held_of_organization
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
    }


async def pause_organization(session: Session, principal: Principal) -> dict[str, Any]:
    """Hold every unfinished run of the organization; a paused one stays as it is."""
    organization_id = principal.organization_id
    await nothing_starts(session, organization_id)
    changed = 0
    if await session.fetchval(SET_PAUSED, organization_id) is not None:
        changed = len(await hold_where(session, Scope.organization(organization_id)))
        await events.append(session, "organization.paused", "organization", organization_id, principal, {})
    return await show_holds(session, principal, changed)


async def resume_organization(session: Session, principal: Principal, policy: ResumePolicy) -> dict[str, Any]:
    """Lift the organization's hold. Wake the engine after commit."""
    organization_id = principal.organization_id
    await nothing_starts(session, organization_id)
    changed = 0
    if await session.fetchval(SET_RUNNING, organization_id) is not None:
        changed = len(await release_where(session, Scope.organization(organization_id), policy))
        await events.append(session, "organization.resumed", "organization", organization_id, principal, {})
    return await show_holds(session, principal, changed)
