"""Every example, in the order of the page: what a section needs comes before it."""

from drippulse_graphql.explorer.example import Section
from drippulse_graphql.explorer.examples import (
    approvals,
    duplicates,
    enrollments,
    events,
    history,
    integrations,
    leads,
    mail,
    organization,
    pipelines,
    projects,
    records,
    stalls,
    subscriptions,
    tags_and_fields,
    workflows,
)

SECTIONS: tuple[Section, ...] = tuple(
    module.SECTION
    for module in (
        organization,
        projects,
        workflows,
        enrollments,
        events,
        approvals,
        records,
        leads,
        duplicates,
        pipelines,
        tags_and_fields,
        history,
        integrations,
        mail,
        stalls,
        subscriptions,
    )
)
EXAMPLES = tuple(example for section in SECTIONS for example in section.examples)
