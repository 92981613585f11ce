"""The schema: every root field with the permission it needs."""

from collections.abc import Callable
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.types import ExecutionContext

from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.enroll_contacts import EnrollContactsPayload, enroll_contacts
from drippulse_graphql.enrollments.queries import enrollment, enrollments
from drippulse_graphql.enrollments.types import Enrollment
from drippulse_graphql.kit.connections import Connection
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.ids import decode_id
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.permissions import Requires, check_permissions
from drippulse_graphql.kit.prepared import PreparedDocument
from drippulse_graphql.kit.scalars import CONFIG
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.organizations.viewer import Organization, Viewer, viewer
from drippulse_graphql.workflows.queries import StepType, step_types, workflow, workflows
from drippulse_graphql.workflows.types import Workflow


def _field(resolver: Callable[..., Any], permission: Permission, description: str) -> Any:
    return strawberry.field(resolver=resolver, extensions=[Requires(permission)], description=description)


async def _node(info: Info, id: strawberry.ID) -> Row | None:  # noqa: A002 - the argument's name in the schema
    return await info.context.loader(load_nodes).load(decode_id(id))


@strawberry.type
class Query:
    node: Node | None = _field(_node, Permission.READ, "Whatever has this global id.")
    viewer: Viewer = _field(viewer, Permission.READ, "Who is asking.")
    workflow: Workflow | None = _field(workflow, Permission.READ, "One workflow; null for unknown ids.")
    workflows: Connection[Workflow] = _field(workflows, Permission.READ, "The organization's workflows, newest first.")
    step_types: list[StepType] = _field(step_types, Permission.READ, "What steps can be made of.")
    enrollment: Enrollment | None = _field(enrollment, Permission.READ, "One enrollment; null for unknown ids.")
    enrollments: Connection[Enrollment] = _field(
        enrollments, Permission.READ, "Enrollments over all workflows, newest first."
    )


@strawberry.type
class Mutation:
    enroll_contacts: EnrollContactsPayload = _field(
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
        types=[Workflow, Enrollment, Organization],
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
