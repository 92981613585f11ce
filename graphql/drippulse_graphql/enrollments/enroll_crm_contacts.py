"""The mutation `enrollCrmContacts`."""

from typing import Any

from drippulse.enrollments import contact_runs
from drippulse.enrollments.contact_schemas import ContactEnrollment, ContactEnrollmentsOut, present_outcome
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(
    Permission.WRITE,
    body=ContactEnrollment,
    answers=ContactEnrollmentsOut,
    called="result",
    covers=("v1BulkEnroll", "v1CreateEnrollment"),
)
async def enroll_crm_contacts(call: Call[ContactEnrollment]) -> Any:
    """Starts a run for each of these contacts of the CRM, at most 100. A contact has one run under way in a workflow at
    a time."""
    data, principal = call.body, call.principal
    contacts = await contact_runs.public_ids(call.session, principal.organization_id, data.contact_ids)
    outcomes = await contact_runs.enroll_contacts(
        call.session, principal, call.services.waker, data.workflow_id, contacts, data.variables
    )
    pairs = zip(outcomes, data.contact_ids, strict=True)
    return {"results": [present_outcome(outcome, contact_id) for outcome, contact_id in pairs]}
