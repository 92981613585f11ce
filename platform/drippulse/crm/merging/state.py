"""What is left of several records that become one. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from drippulse.crm.presentation import Row
from drippulse.crm.records import SPECS
from drippulse.crm.state import OBJECTS
from drippulse.crm.tables import RecordType
from drippulse.kit.json import dump_json

ADDRESS = ("street", "city", "state", "postal_code", "country")
PLACE = ("pipeline_id", "pipeline_stage_id", "status")
"""Of an opportunity: one decides about all."""
TOGETHER: Mapping[RecordType, Sequence[Sequence[str]]] = {
    RecordType.ACCOUNT: (("external_id", "external_system"),),
    RecordType.CONTACT: (("external_id", "external_system"), ("email", "email_key")),
    RecordType.LEAD: (
        ("external_id", "external_system"),
        ("email", "email_key"),
        ("converted_at", "converted_account_id", "converted_contact_id", "converted_opportunity_id", "status"),
    ),
    RecordType.OPPORTUNITY: (("external_id", "external_system"), ("amount", "currency")),
}
"""Columns that mean nothing without each other; whether they are empty is said by the first."""


def united(
    kind: RecordType, survivor: Row, losers: Sequence[Row], chosen: Mapping[str, Row] | None = None
) -> dict[str, Any]:
    """Column -> new value, of those of the survivor that change.

    What it has stays; what it lacks comes from the first of the others that has it. Tags are united; attributes and
    custom fields are, key by key. A postal address is completed by one that does not contradict it. `chosen` names the
    record whose value counts for a field, even when it is empty.
    """
    wins = chosen or {}
    groups = [tuple(group) for group in TOGETHER[kind]]
    grouped = {name for group in groups for name in group if name != "status"}
    fields = [name for name in SPECS[kind].fields.model_fields if name not in grouped]
    values: dict[str, Any] = {}
    for group in groups:
        values |= _filled(survivor, losers, group)
    for name in fields:
        if name in OBJECTS:
            values[name] = dump_json(_keys_united(name, survivor, losers))
        elif name == "tags":
            values[name] = list(dict.fromkeys(tag for row in (survivor, *losers) for tag in row[name]))
        elif name not in ADDRESS and name not in PLACE:
            values |= _filled(survivor, losers, (name,))
    if ADDRESS[0] in fields:
        values |= _address(survivor, losers)
    for name, row in wins.items():
        values |= {column: row[column] for column in _with(kind, name)}
    return {name: value for name, value in values.items() if not _same(name, survivor[name], value)}


def _with(kind: RecordType, name: str) -> Sequence[str]:
    """The columns that go where this field goes."""
    if kind is RecordType.OPPORTUNITY and name in PLACE:
        return PLACE
    return next((group for group in TOGETHER[kind] if name in group and name != "status"), (name,))


def _filled(survivor: Row, losers: Sequence[Row], group: Sequence[str]) -> dict[str, Any]:
    if not _empty(survivor[group[0]]):
        return {}
    source = next((row for row in losers if not _empty(row[group[0]])), None)
    return {} if source is None else {name: source[name] for name in group}


def _keys_united(name: str, survivor: Row, losers: Sequence[Row]) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(survivor[name])
    for row in losers:
        others: dict[str, Any] = orjson.loads(row[name])
        found |= {key: value for key, value in others.items() if _empty(found.get(key)) and not _empty(value)}
    return found


def _address(survivor: Row, losers: Sequence[Row]) -> dict[str, str]:
    known = {name: survivor[name] for name in ADDRESS}
    for row in losers:
        if all(_agree(known[name], row[name]) for name in ADDRESS):
            known |= {name: row[name] for name in ADDRESS if not known[name]}
    return known


def _agree(one: str, other: str) -> bool:
    return not one or not other or one.strip().casefold() == other.strip().casefold()


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _same(name: str, before: Any, after: Any) -> bool:
    read: Callable[[Any], Any] = orjson.loads if name in OBJECTS else _as_it_is
    return read(before) == read(after)


def _as_it_is(value: Any) -> Any:
    return value
