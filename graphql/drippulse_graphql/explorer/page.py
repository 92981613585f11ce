"""The page's files, put together."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import orjson
from graphql import GraphQLSchema, is_introspection_type, is_specified_scalar_type, print_type
from strawberry.http.ides import get_graphql_ide_html

from drippulse_graphql.explorer.all_examples import SECTIONS

SCRIPTS = ("explorer.js", "dom.js", "examples.js", "operation.js", "schema.js", "stream.js")
ASSETS = {"explorer.css": "text/css; charset=utf-8", **dict.fromkeys(SCRIPTS, "text/javascript; charset=utf-8")}
PAGE_HEADERS = {
    "cache-control": "no-cache",
    "vary": "accept",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


def explorer_page(schema: GraphQLSchema) -> bytes:
    """The HTML, with the examples and the schema's SDL in it."""
    html = _file("explorer.html").decode()
    return html.replace("%EXAMPLES%", _embedded(SECTIONS)).replace("%SDL%", _embedded(_blocks(schema))).encode()


def graphiql_page() -> bytes:
    """Strawberry's GraphiQL. It loads its scripts from a public network, unlike the explorer."""
    return get_graphql_ide_html(graphql_ide="graphiql").encode()


def explorer_asset(name: str) -> bytes | None:
    """The style or a script; None for any other name."""
    return _file(name) if name in ASSETS else None


@lru_cache
def _file(name: str) -> bytes:
    return files("drippulse_graphql.explorer").joinpath(name).read_bytes()


def _blocks(schema: GraphQLSchema) -> list[dict[str, str]]:
    """Each type's name and SDL, the roots first."""
    own = (member for member in schema.type_map.values() if not is_introspection_type(member))
    types = [member for member in own if not is_specified_scalar_type(member)]
    types.sort(key=lambda member: (member.name != "Query", member.name != "Mutation", member.name))
    return [{"name": member.name, "text": print_type(member)} for member in types]


def _embedded(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return orjson.dumps(value).decode().replace("<", "\\u003c")
