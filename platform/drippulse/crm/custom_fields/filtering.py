"""Custom fields as filters and sorts of lists. Pure."""

from collections.abc import Collection, Mapping

from drippulse.crm.custom_fields.state import KINDS, Definition
from drippulse.crm.custom_fields.tables import FieldType
from drippulse.kit.filters import Column, Field, Kind
from drippulse.kit.pagination import Found, Sort

PREFIX = "custom."


def found(definitions: Mapping[str, Definition], names: Collection[str]) -> Found:
    """What of `names` (`custom.<key>`) is defined. Values that a later definition does not fit are skipped: only JSON
    of the right type is compared."""
    known = {name: definitions[name.removeprefix(PREFIX)] for name in names if name.removeprefix(PREFIX) in definitions}
    kinds = {name: KINDS.get(definition.type, Kind.TEXT) for name, definition in known.items()}
    columns = {name: _column(definition) for name, definition in known.items()}
    return Found(
        filters={name: Field(kinds[name], definition.label) for name, definition in known.items()},
        columns=columns,
        sorts={name: Sort(columns[name], kinds[name]) for name in known},
    )


def _column(definition: Definition) -> Column:
    value = "r.custom_fields ->> {0}"
    if definition.type in {FieldType.NUMBER, FieldType.INTEGER}:
        text = "CASE WHEN jsonb_typeof(r.custom_fields -> {0}) = 'number' THEN (" + value + ")::numeric END"
    elif definition.type is FieldType.BOOLEAN:
        text = "CASE WHEN jsonb_typeof(r.custom_fields -> {0}) = 'boolean' THEN (" + value + ")::boolean END"
    elif definition.type in {FieldType.DATE, FieldType.TIMESTAMP}:
        shape = "^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(T[0-9:.]+Z)?$"
        text = "CASE WHEN " + value + " ~ '" + shape + "' THEN (" + value + ")::timestamptz END"
    else:
        text = f"({value})"
    return Column(text, (definition.key,))
