"""`viewer`: who is asking."""

import strawberry

from drippulse.organizations.tables import MemberRole
from drippulse_graphql.kit.fields import Table, column, global_id
from drippulse_graphql.kit.node import Node
from drippulse_graphql.kit.nodes import node_type
from drippulse_graphql.kit.relations import known, own_organization

strawberry.enum(MemberRole, name="Role", description="What a credential may do.")


@strawberry.type(description="The organization that the credential belongs to.")
class Organization(Node):
    id: strawberry.ID = global_id("o.id")
    name: str = column("o.name")
    timezone: str = column("o.timezone", description="IANA name.")


ORGANIZATION = node_type(Organization, Table("organization o", organization="o.id", key="o.id"))


@strawberry.type(description="The caller.")
class Viewer:
    organization: Organization = own_organization("Organization")
    role: MemberRole = known(
        lambda caller: caller.role, description="The role of the API key or of the signed-in member."
    )
    actor_type: str = known(lambda caller: caller.actor_type, description="api_key or user.")
