"""From a column's SQL and its field's type to the SQL of what the answer holds. Pure."""

import re

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLScalarType,
)

from drippulse.kit.clock import sql_isoformat
from drippulse_graphql.kit.fields import Column
from drippulse_graphql.kit.planning.tree import NotPlannedError
from drippulse_graphql.kit.planning.types import OutputType, is_required, optional

MISSING = "#drippulse:missing#"
"""Stands where a value must be and is none: the resolvers answer then, with the error that belongs to it."""
PLAIN_COLUMN = re.compile(r"\w+\.\w+(::\w+)?")
AS_TEXT = frozenset({"Date", "ID", "String"})
AS_THEY_ARE = frozenset({"Boolean", "Float", "Int", "JSON"})


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def column_value(column: Column, of: OutputType) -> str:
    """Raises NotPlannedError for what only Python can decode."""
    required, inner = is_required(of), optional(of)
    sql = _value(column, inner)
    if not required or _is_column(column.sql):
        return sql
    return f"coalesce(to_json({sql}), {literal(orjson.dumps(MISSING).decode())}::json)"


def _value(column: Column, inner: OutputType) -> str:
    if isinstance(inner, GraphQLList):
        if column.decode is not None:
            raise NotPlannedError
        return column.sql  # an array, whose elements JSON writes as GraphQL does
    if isinstance(inner, GraphQLEnumType):
        return _enum(column.sql, inner)
    if not isinstance(inner, GraphQLScalarType):
        raise NotPlannedError
    if inner.name == "DateTime" and column.decode is None:
        return sql_isoformat(column.sql)
    if inner.name in AS_TEXT and column.decode is None:
        return f"({column.sql})::text"
    if inner.name in AS_THEY_ARE and column.decode in {None, orjson.loads}:
        return column.sql
    raise NotPlannedError


def _enum(sql: str, inner: GraphQLEnumType) -> str:
    """Stored is the value of the Python enum, answered its name."""
    stored = {name: str(getattr(value.value, "value", value.value)) for name, value in inner.values.items()}
    if all(value.upper() == name for name, value in stored.items()):
        return f"upper(({sql})::text)"
    cases = " ".join(f"WHEN {literal(value)} THEN {literal(name)}" for name, value in stored.items())
    return f"CASE ({sql})::text {cases} END"


def _is_column(sql: str) -> bool:
    """Of a table, where NOT NULL keeps what the schema promises."""
    return PLAIN_COLUMN.fullmatch(sql) is not None


def global_id(type_name: str, sql: str) -> str:
    """As `kit.ids.encode_id`; short enough for one line of base64."""
    return f"encode(convert_to({literal(f'{type_name}:')} || ({sql})::text, 'UTF8'), 'base64')"


def cursor(scope: str, value: str, key: str, key_type: str) -> str:
    """As `kit.cursors.encode_cursor`, from SQL for the texts of the scope and the value, and for the key."""
    quote = "'\"'" if key_type == "uuid" else "''"
    text = f"""'["' || {scope} || '",' || to_json({value})::text || ',' || {quote} || {key}::text || {quote} || ']'"""
    return f"translate(encode(convert_to({text}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"
