"""Every mutation of every feature."""

from drippulse_graphql.approvals.mutations import MUTATIONS as APPROVALS
from drippulse_graphql.crm.mutations import MUTATIONS as CRM
from drippulse_graphql.data_sources.mutations import MUTATIONS as DATA_SOURCES
from drippulse_graphql.enrollments.mutations import MUTATIONS as ENROLLMENTS
from drippulse_graphql.events.mutations import MUTATIONS as EVENTS
from drippulse_graphql.integrations.mutations import MUTATIONS as INTEGRATIONS
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.lead_forms.mutations import MUTATIONS as LEAD_FORMS
from drippulse_graphql.mail_templates.mutations import MUTATIONS as MAIL_TEMPLATES
from drippulse_graphql.organizations.mutations import MUTATIONS as ORGANIZATIONS
from drippulse_graphql.projects.mutations import MUTATIONS as PROJECTS
from drippulse_graphql.sending.mutations import MUTATIONS as SENDING
from drippulse_graphql.stalls.mutations import MUTATIONS as STALLS
from drippulse_graphql.workflows.mutations import MUTATIONS as WORKFLOWS

MUTATIONS: tuple[Declared, ...] = (
    *WORKFLOWS,
    *ENROLLMENTS,
    *APPROVALS,
    *EVENTS,
    *CRM,
    *LEAD_FORMS,
    *DATA_SOURCES,
    *INTEGRATIONS,
    *PROJECTS,
    *MAIL_TEMPLATES,
    *SENDING,
    *STALLS,
    *ORGANIZATIONS,
)
