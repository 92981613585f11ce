"""The schema: every root field with the permission it needs."""

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.types import ExecutionContext

from drippulse.organizations.policy import Permission
from drippulse_graphql.all_mutations import MUTATIONS
from drippulse_graphql.all_reads import READS
from drippulse_graphql.crm.nodes.roots import CrmQuery
from drippulse_graphql.crm.nodes.types import PipelineStage
from drippulse_graphql.enrollments.inputs import ENROLLMENTS
from drippulse_graphql.enrollments.types import Enrollment
from drippulse_graphql.kit.connections import Connection
from drippulse_graphql.kit.mutations import mutation_type
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.permissions import check_permissions
from drippulse_graphql.kit.prepared import PreparedDocument
from drippulse_graphql.kit.reads import query_type
from drippulse_graphql.kit.roots import group, made, many, node, one
from drippulse_graphql.kit.scalars import CONFIG
from drippulse_graphql.organizations.viewer import Organization, Viewer
from drippulse_graphql.subscriptions.fields import Subscription
from drippulse_graphql.workflows.inputs import WORKFLOWS
from drippulse_graphql.workflows.queries import StepType, step_types
from drippulse_graphql.workflows.types import Workflow

READ = Permission.READ


@strawberry.type
class _Nodes(CrmQuery):
    node: Node | None = node(READ, "Whatever has this global id.")
    viewer: Viewer = group(READ, "Who is asking.", covers=("verifyToken",))
    workflow: Workflow | None = one("Workflow", READ, "One workflow; null for unknown ids.", covers=("getWorkflow",))
    workflows: Connection[Workflow] = many(
        WORKFLOWS, READ, "The organization's workflows, newest first.", covers=("listWorkflows",)
    )
    step_types: list[StepType] = made(step_types, READ, "What steps can be made of.", covers=("listStepTypes",))
    enrollment: Enrollment | None = one(
        "Enrollment", READ, "One enrollment; null for unknown ids.", covers=("getEnrollment",)
    )
    enrollments: Connection[Enrollment] = many(
        ENROLLMENTS, READ, "Enrollments over all workflows, newest first.", covers=("listEnrollments",)
    )


Query = query_type(_Nodes, READS)
Mutation = mutation_type(MUTATIONS)


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """The edge logs what it masks; Strawberry would log the caller's mistakes too, with their traces."""


def build_schema(query: type = Query, mutation: type = Mutation) -> strawberry.Schema:
    """Raises TypeError when a root field declares no permission."""
    check_permissions(query)
    check_permissions(mutation)
    check_permissions(Subscription)
    return _Schema(
        query=query,
        mutation=mutation,
        subscription=Subscription,
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
