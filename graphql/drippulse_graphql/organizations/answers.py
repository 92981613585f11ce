"""What the models of an organization's own affairs are in the schema."""

from drippulse.organizations.account.schemas import OrganizationOut
from drippulse.organizations.audit.schemas import AuditList
from drippulse.organizations.keys.schemas import (
    ApiKeyOut,
    KeyTotalOut,
    NewApiKeyOut,
    UsageOut,
    UsageRowOut,
    UsageTotalsOut,
)
from drippulse.organizations.members.schemas import InvitedMemberOut, MemberList, MemberOut
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called, identified

API_KEY = Subject("ApiKey")
TEAM_MEMBER = Subject("TeamMember")
for _key in (ApiKeyOut, NewApiKeyOut):
    identified(_key, API_KEY.type_name)
for _member in (MemberOut, InvitedMemberOut):
    identified(_member, TEAM_MEMBER.type_name)
identified(OrganizationOut, "Organization")
called(OrganizationOut, "OrganizationAccount")
called(MemberOut, "TeamMember")
called(InvitedMemberOut, "InvitedTeamMember")
called(MemberList, "TeamMemberList")
called(AuditList, "AuditLog")
called(UsageOut, "ApiKeyUsage")
called(UsageRowOut, "ApiKeyUsageDay")
called(UsageTotalsOut, "ApiKeyUsageTotals")
called(KeyTotalOut, "ApiKeyTotal")
