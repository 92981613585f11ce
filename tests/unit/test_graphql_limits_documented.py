"""The page on GraphQL names every limit of a document with its code, as the code has it."""

import re
from pathlib import Path

from drippulse_graphql.kit import context, cost, http, limits
from drippulse_graphql.schema import core_schema

PAGE = (Path(__file__).parents[2] / "platform" / "docs" / "graphql.md").read_text()
ROW = re.compile(r"^\| ([\d,]+) [^|]*\| `(\w+)` \|$", re.MULTILINE)
KEPT = {
    "payload_too_large": http.MAX_BODY,
    "too_many_tokens": limits.MAX_TOKENS,
    "document_too_deep": limits.MAX_DEPTH,
    "too_many_fields": limits.MAX_FIELDS,
    "too_many_aliases": limits.MAX_ALIASES,
    "too_many_directives": limits.MAX_DIRECTIVES,
    "too_many_fragments": limits.MAX_FRAGMENTS,
    "too_many_fragment_spreads": limits.MAX_SPREADS,
    "too_many_selections_of_one_field": limits.MAX_REPEATS,
    "number_too_long": limits.MAX_DIGITS,
    "cost_too_high": cost.MAX_COST,
    "too_many_rows": context.MAX_ROWS,
}


def test_the_limits_are_those_that_are_kept() -> None:
    assert {code: int(number.replace(",", "")) for number, code in ROW.findall(PAGE)} == KEPT


def test_the_lists_that_are_connections_are_those_that_are_named() -> None:
    query = core_schema().query_type
    assert query is not None
    connections = {name for name, field in query.fields.items() if "first" in field.args}
    assert connections == {"accounts", "contacts", "leads", "opportunities", "activities", "workflows", "enrollments"}
    assert {"first", "after", "last", "before"} <= set(query.fields["accounts"].args)
    pages = [field for field in query.fields.values() if "perPage" in field.args]
    assert len(pages) > len(connections)
    for field in pages:
        assert {"page", "perPage", "after"} <= set(field.args)
