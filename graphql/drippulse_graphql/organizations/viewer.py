"""`viewer`: who is asking."""

import strawberry

from drippulse.organizations.tables import MemberRole
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.fields import Table, column, global_id, resolved
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.nodes import load_nodes, node_type
from drippulse_graphql.kit.selection import Row

strawberry.enum(MemberRole, name="Role", description="What a credential may do.")


@strawberry.type(description="The organization that the credential belongs to.")
class Organization(Node):
    id: strawberry.ID = global_id("o.id")
    name: str = column("o.name")
    timezone: str = column("o.timezone", description="IANA name.")


ORGANIZATION = node_type(Organization, Table("organization o", organization="o.id", key="o.id"))


async def _organization(info: Info) -> Row | None:
    return await info.context.loader(load_nodes).load((ORGANIZATION.name, info.context.organization_id))


def _role(info: Info) -> MemberRole:
    return info.context.principal.role


def _actor_type(info: Info) -> str:
    return info.context.principal.actor_type


@strawberry.type(description="The caller.")
class Viewer:
    organization: Organization = resolved(_organization)
    role: MemberRole = resolved(_role, description="The role of the API key or of the signed-in member.")
    actor_type: str = resolved(_actor_type, description="api_key or user.")


def viewer() -> Row:
    return {}
