"""Reads of an organization's own affairs."""

from datetime import date
from typing import Annotated, Any

import strawberry

from drippulse.enrollments.control_schemas import OrganizationHoldsOut
from drippulse.organizations import pausing
from drippulse.organizations.account import service as account
from drippulse.organizations.account.schemas import OrganizationOut
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.listing import LISTING as AUDIT
from drippulse.organizations.audit.schemas import AuditList
from drippulse.organizations.billing import service as billing
from drippulse.organizations.billing.schemas import BillingOut
from drippulse.organizations.keys import service as keys
from drippulse.organizations.keys.listing import LISTING as KEYS
from drippulse.organizations.keys.schemas import ApiKeyList, ApiKeyOut, UsageOut
from drippulse.organizations.members import service as members
from drippulse.organizations.members.listing import LISTING as MEMBERS
from drippulse.organizations.members.schemas import MemberList, MemberOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.models.names import number_of, raw_id
from drippulse_graphql.kit.reads import Reading, read
from drippulse_graphql.organizations.answers import API_KEY, TEAM_MEMBER

FROM = Annotated[date | None, strawberry.argument(name="from", description="The first day, in UTC; 30 days back.")]
TO = Annotated[date | None, strawberry.argument(name="to", description="The last day, in UTC; today when left out.")]
KEY = Annotated[strawberry.ID | None, strawberry.argument(description="Only this key.")]


@read(Permission.READ, answers=OrganizationOut, covers=("getAccount",))
async def organization_account(call: Reading) -> Any:
    """The organization with its branding, sender identity and retention."""
    return await account.get_account(call.session, call.principal)


@read(Permission.ADMINISTER, answers=BillingOut, covers=("getAccountBilling",))
async def organization_billing(call: Reading) -> Any:
    """Who bills are written to, and what the organization used since the first of the month."""
    return await billing.get_billing(call.session, call.principal)


@read(Permission.READ, answers=OrganizationHoldsOut, covers=("getOrganizationHolds",))
async def organization_holds(call: Reading) -> Any:
    """Whether everything is paused, and how many runs are held by what."""
    return await pausing.show_holds(call.session, call.principal)


@read(Permission.ADMINISTER, listing=KEYS, answers=ApiKeyList, covers=("listApiKeys",))
async def api_keys(call: Reading) -> Any:
    """All keys, the revoked and expired ones too, without what would open the door."""
    return await keys.list_keys(call.session, call.principal, call.wanted)


@read(Permission.ADMINISTER, about=API_KEY, answers=ApiKeyOut, covers=("getApiKey",))
async def api_key(call: Reading) -> Any:
    """One key without what would open the door; null for unknown ids."""
    return await keys.get_key(call.session, call.principal, call.id)


@read(Permission.ADMINISTER, answers=UsageOut, covers=("getApiKeyUsage",))
async def api_key_usage(call: Reading, since: FROM = None, until: TO = None, key_id: KEY = None) -> Any:
    """Requests per key and day over REST and GraphQL, newest day first; at most 366 days at once. Those of the last
    seconds come late. Kept for 400 days."""
    number = None if key_id is None else number_of(raw_id(key_id, API_KEY.type_name, "keyId"), "keyId")
    return await keys.usage(call.session, call.principal, call.services.clock().date(), since, until, number)


@read(Permission.READ, listing=MEMBERS, answers=MemberList, covers=("listTeamMembers",))
async def team_members(call: Reading) -> Any:
    """Everybody who belongs to the organization, is invited, or was removed. E-mail addresses are answered to
    Admins alone."""
    return await members.list_members(call.session, call.principal, call.wanted)


@read(Permission.READ, about=TEAM_MEMBER, answers=MemberOut, covers=("getTeamMember",))
async def team_member(call: Reading) -> Any:
    """One member, also a removed one; null for unknown ids."""
    return await members.get_member(call.session, call.principal, call.id)


@read(Permission.ADMINISTER, listing=AUDIT, answers=AuditList, covers=("listAuditLog",))
async def audit_log(call: Reading) -> Any:
    """Who did what, from where and when, newest first."""
    return await audit.list_entries(call.session, call.principal, call.wanted)


READS: tuple[Declared, ...] = (
    organization_account,
    organization_billing,
    organization_holds,
    api_keys,
    api_key,
    api_key_usage,
    team_members,
    team_member,
    audit_log,
)
