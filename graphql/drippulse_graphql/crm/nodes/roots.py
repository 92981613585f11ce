"""Root fields of the CRM."""

import strawberry

from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.nodes.types import LISTS, Account, Activity, Contact, Lead, Opportunity, Pipeline
from drippulse_graphql.kit.connections import Connection
from drippulse_graphql.kit.roots import many, one

READ = Permission.READ


@strawberry.type
class CrmQuery:
    """What the root has of the CRM."""

    account: Account | None = one("Account", READ, "One account; null for unknown ids.", covers=("getCrmAccount",))
    accounts: Connection[Account] = many(
        LISTS[RecordType.ACCOUNT], READ, "Accounts, newest first.", covers=("listCrmAccounts",)
    )
    contact: Contact | None = one("Contact", READ, "One contact; null for unknown ids.", covers=("getCrmContact",))
    contacts: Connection[Contact] = many(
        LISTS[RecordType.CONTACT], READ, "Contacts, newest first.", covers=("listCrmContacts",)
    )
    lead: Lead | None = one("Lead", READ, "One lead; null for unknown ids.", covers=("getCrmLead",))
    leads: Connection[Lead] = many(LISTS[RecordType.LEAD], READ, "Leads, newest first.", covers=("listCrmLeads",))
    opportunity: Opportunity | None = one(
        "Opportunity", READ, "One opportunity; null for unknown ids.", covers=("getCrmOpportunity",)
    )
    opportunities: Connection[Opportunity] = many(
        LISTS[RecordType.OPPORTUNITY], READ, "Opportunities, newest first.", covers=("listCrmOpportunities",)
    )
    activity: Activity | None = one("Activity", READ, "One activity; null for unknown ids.", covers=("getCrmActivity",))
    activities: Connection[Activity] = many(
        LISTS[RecordType.ACTIVITY], READ, "Activities, newest first.", covers=("listCrmActivities",)
    )
    pipeline: Pipeline | None = one(
        "Pipeline", READ, "One pipeline; null for unknown ids.", covers=("getOpportunityPipeline",)
    )
