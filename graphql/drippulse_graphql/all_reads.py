"""Every read that is not of nodes."""

from drippulse_graphql.approvals.reads import READS as APPROVALS
from drippulse_graphql.crm.custom_fields.reads import READS as CUSTOM_FIELDS
from drippulse_graphql.crm.history.reads import READS as HISTORY
from drippulse_graphql.crm.imports.reads import READS as IMPORTS
from drippulse_graphql.crm.pipelines.reads import READS as PIPELINES
from drippulse_graphql.crm.tags.reads import READS as TAGS
from drippulse_graphql.data_sources.reads import READS as DATA_SOURCES
from drippulse_graphql.enrollments.reads import READS as ENROLLMENTS
from drippulse_graphql.events.reads import READS as EVENTS
from drippulse_graphql.integrations.reads import READS as INTEGRATIONS
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.lead_forms.reads import READS as LEAD_FORMS
from drippulse_graphql.mail_templates.reads import READS as MAIL_TEMPLATES
from drippulse_graphql.organizations.reads import READS as ORGANIZATIONS
from drippulse_graphql.projects.reads import READS as PROJECTS
from drippulse_graphql.sending.reads import READS as SENDING
from drippulse_graphql.stalls.reads import READS as STALLS
from drippulse_graphql.workflows.reads import READS as WORKFLOWS

READS: tuple[Declared, ...] = (
    *WORKFLOWS,
    *ENROLLMENTS,
    *APPROVALS,
    *EVENTS,
    *HISTORY,
    *CUSTOM_FIELDS,
    *PIPELINES,
    *TAGS,
    *IMPORTS,
    *LEAD_FORMS,
    *DATA_SOURCES,
    *INTEGRATIONS,
    *PROJECTS,
    *MAIL_TEMPLATES,
    *SENDING,
    *STALLS,
    *ORGANIZATIONS,
)
