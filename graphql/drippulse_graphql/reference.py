"""The page of all root fields, generated from the schema: arguments, answer, permission, REST's operation."""

from typing import Any, cast

from graphql import GraphQLArgument, GraphQLField, GraphQLObjectType, GraphQLSchema, Undefined

from drippulse_graphql.kit.coverage import COVERS
from drippulse_graphql.kit.permissions import Requires

HEAD = """# The fields of GraphQL's roots

`drippulse export write` generates this page from the schema; the lint fails when it is out of date. The types are in
`/graphql/schema.graphql` and on the page of `/graphql`; [graphql.md](graphql.md) says how to use them. Every mutation
takes one `input` and answers one payload with `userErrors`.
"""
TITLES = (("Queries", "query_type"), ("Mutations", "mutation_type"), ("Subscriptions", "subscription_type"))


def reference(schema: GraphQLSchema) -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for title, root in TITLES:
        found: GraphQLObjectType | None = getattr(schema, root)
        if found is not None:
            parts += [f"\n## {title}\n", "\n| field | answers | permission | REST |\n| --- | --- | --- | --- |\n"]
            parts += [_row(name, field) for name, field in sorted(found.fields.items())]
    return "".join(parts)


def _row(name: str, field: GraphQLField) -> str:
    declared: Any = field.extensions.get("strawberry-definition")
    permission = next((one.permission.value for one in declared.extensions if isinstance(one, Requires)), "")
    arguments = ", ".join(_argument(key, one) for key, one in field.args.items())
    call = f"`{name}({arguments})`" if arguments else f"`{name}`"
    covers = ", ".join(f"`{operation}`" for operation in declared.metadata.get(COVERS, ()))
    text = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| {call}<br>{text} | `{cast('Any', field).type}` | {permission} | {covers} |\n"


def _argument(name: str, argument: GraphQLArgument) -> str:
    given: Any = argument.default_value
    default = "" if given is None or given is Undefined else f" = {given}"
    return f"{name}: {cast('Any', argument).type}{default}"
