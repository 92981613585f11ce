"""The schema: every root field with the permission it needs."""

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.types import ExecutionContext

from drippulse.crm.tables import RecordType
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.nodes.types import (
    LISTS,
    Account,
    Activity,
    Contact,
    Lead,
    Opportunity,
    Pipeline,
    PipelineStage,
)
from drippulse_graphql.enrollments.enroll_contacts import EnrollContactsPayload, enroll_contacts
from drippulse_graphql.enrollments.inputs import ENROLLMENTS
from drippulse_graphql.enrollments.types import Enrollment
from drippulse_graphql.kit.connections import Connection
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.permissions import check_permissions
from drippulse_graphql.kit.prepared import PreparedDocument
from drippulse_graphql.kit.roots import group, made, many, node, one
from drippulse_graphql.kit.scalars import CONFIG
from drippulse_graphql.organizations.viewer import Organization, Viewer
from drippulse_graphql.workflows.inputs import WORKFLOWS
from drippulse_graphql.workflows.queries import StepType, step_types
from drippulse_graphql.workflows.types import Workflow

READ = Permission.READ


@strawberry.type
class Query:
    node: Node | None = node(READ, "Whatever has this global id.")
    viewer: Viewer = group(READ, "Who is asking.")
    workflow: Workflow | None = one("Workflow", READ, "One workflow; null for unknown ids.")
    workflows: Connection[Workflow] = many(WORKFLOWS, READ, "The organization's workflows, newest first.")
    step_types: list[StepType] = made(step_types, READ, "What steps can be made of.")
    enrollment: Enrollment | None = one("Enrollment", READ, "One enrollment; null for unknown ids.")
    account: Account | None = one("Account", READ, "One account; null for unknown ids.")
    accounts: Connection[Account] = many(LISTS[RecordType.ACCOUNT], READ, "Accounts, newest first.")
    contact: Contact | None = one("Contact", READ, "One contact; null for unknown ids.")
    contacts: Connection[Contact] = many(LISTS[RecordType.CONTACT], READ, "Contacts, newest first.")
    lead: Lead | None = one("Lead", READ, "One lead; null for unknown ids.")
    leads: Connection[Lead] = many(LISTS[RecordType.LEAD], READ, "Leads, newest first.")
    opportunity: Opportunity | None = one("Opportunity", READ, "One opportunity; null for unknown ids.")
    opportunities: Connection[Opportunity] = many(LISTS[RecordType.OPPORTUNITY], READ, "Opportunities, newest first.")
    activity: Activity | None = one("Activity", READ, "One activity; null for unknown ids.")
    activities: Connection[Activity] = many(LISTS[RecordType.ACTIVITY], READ, "Activities, newest first.")
    pipeline: Pipeline | None = one("Pipeline", READ, "One pipeline; null for unknown ids.")
    enrollments: Connection[Enrollment] = many(ENROLLMENTS, READ, "Enrollments over all workflows, newest first.")


@strawberry.type
class Mutation:
    enroll_contacts: EnrollContactsPayload = made(
        enroll_contacts,
        Permission.WRITE,
        "Start one run of a workflow for each contact. Every call makes new rows, as REST's bulk enrollment does.",
    )


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """The edge logs what it masks; Strawberry would log the caller's mistakes too, with their traces."""


def build_schema(query: type = Query, mutation: type = Mutation) -> strawberry.Schema:
    """Raises TypeError when a root field declares no permission."""
    check_permissions(query)
    check_permissions(mutation)
    return _Schema(
        query=query,
        mutation=mutation,
        types=[Workflow, Enrollment, Organization, PipelineStage],
        config=CONFIG,
        extensions=[PreparedDocument],
    )


schema = build_schema()


def core_schema(built: strawberry.Schema = schema) -> GraphQLSchema:
    """graphql-core's form of the schema, which documents are validated against."""
    return built._schema  # pyright: ignore[reportPrivateUsage] - Strawberry has no public name for it


def sdl() -> str:
    """The schema as schema.graphql holds it."""
    return f"{schema.as_str()}\n"
