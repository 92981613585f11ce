"""From columns of texts to a portion that can be written: values checked, rows of one record made one. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.crm.importing.fields import (
    ATTRIBUTES,
    CUSTOM,
    DOTTED,
    EMAIL,
    FULL_NAME,
    PUBLIC_ID,
    SHORT,
    TAGS,
    fields_of,
    read_emails,
    read_tags,
    read_text,
    split_name,
)
from drippulse.crm.importing.state import DedupeBy, OnExisting, Outcome, Portion
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType

EMAIL_KEY = "email_key"
SYSTEM, EXTERNAL = "external_system", "external_id"
EMPTY = "There is nothing to import in this row."
MOST_ATTRIBUTES = 500
CheckCustom = Callable[[str, Any], Any]
"""From a key and what stands there to what is stored; raises ValueError with a sentence."""


def _any(_: str, value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows become records of `kind`.

    `constants`: fields that every row has which does not say otherwise. `tags`: added to each. `required`: custom
    fields without which nothing is created.
    """

    kind: RecordType
    dedupe_by: Sequence[DedupeBy]
    on_existing: OnExisting = OnExisting.UPDATE
    constants: Mapping[str, str] | None = None
    tags: tuple[str, ...] = ()
    date_order: str | None = None
    check_custom: CheckCustom = _any
    required: tuple[str, ...] = ()


def read_portion(reading: Reading, numbers: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> Portion:
    """`columns` by field name, all as long as `numbers`; their values are texts, or JSON values below `attributes.` and
    `custom.`."""
    portion = Portion(numbers, {})
    portion.outcomes = [None] * len(numbers)
    given = _with_names(portion, columns)
    _refuse_empty(portion, given)
    given = _with_constants(reading, len(numbers), given)
    _read_columns(reading, portion, given)
    _read_objects(reading, portion, given)
    _refuse_half_external(portion)
    _join_duplicates(reading, portion)
    _refuse_taken_twice(portion)
    portion.lacking = _lacking(reading, portion)
    return portion


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns from rows by field name; a value that is no text becomes the text that a file would have."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: [row.get(name) if name.startswith(tuple(DOTTED)) else text_of(row.get(name)) for row in rows]
        for name in names
    }


def text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        members: list[Any] = [*value]
        return ",".join(text_of(member) for member in members)
    if isinstance(value, dict):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def _with_names(portion: Portion, columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """A full name in its two parts, where these are not given."""
    given = dict(columns)
    full = given.pop(FULL_NAME, None)
    if full is None:
        return given
    read = read_text(SHORT, full, lambda index, text, why: portion.refuse(index, FULL_NAME, text, why))
    pairs = [split_name(text) if text else ("", "") for text in read]
    for place, name in enumerate(("first_name", "last_name")):
        own = given.get(name)
        parts = [pair[place] for pair in pairs]
        given[name] = parts if own is None else [mine or part for mine, part in zip(own, parts, strict=True)]
    return given


def _refuse_empty(portion: Portion, given: Mapping[str, Sequence[Any]]) -> None:
    columns = given or {"": [""] * len(portion)}
    filled = [any(cells) for cells in zip(*columns.values(), strict=True)]
    if all(filled):
        return
    for index, one in enumerate(filled):
        if not one:
            portion.refuse(index, "", "", EMPTY)


def _with_constants(reading: Reading, count: int, given: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    for name, value in (reading.constants or {}).items():
        own = given.get(name)
        if name == SYSTEM and own is None:
            given[name] = [value if text else "" for text in given.get(EXTERNAL, ("",) * count)]
        elif own is None:
            given[name] = [value] * count
        else:
            given[name] = [text or value for text in own]
    return given


def _read_columns(reading: Reading, portion: Portion, given: Mapping[str, Sequence[Any]]) -> None:
    known = fields_of(reading.kind, reading.date_order)
    for name, cells in given.items():
        if name == EMAIL:
            addresses, keys = read_emails(cells, _refuser(portion, name))
            portion.columns[EMAIL], portion.columns[EMAIL_KEY] = addresses, keys
        elif name == TAGS:
            portion.tags = read_tags(cells, _refuser(portion, name))
        elif name in known:
            portion.columns[name] = known[name].read(cells, _refuser(portion, name))
    if reading.tags:
        own = portion.tags or [[] for _ in portion.numbers]
        portion.tags = [list(dict.fromkeys((*tags, *reading.tags))) for tags in own]


def _refuser(portion: Portion, name: str) -> Callable[[int, str, str], None]:
    return lambda index, value, why: portion.refuse(index, name, value, f"{name} {why}.")


def _read_objects(reading: Reading, portion: Portion, given: Mapping[str, Sequence[Any]]) -> None:
    for name, cells in given.items():
        place = next((place for prefix, place in DOTTED.items() if name.startswith(prefix)), None)
        if place is None:
            continue
        key = name.partition(".")[2]
        objects = portion.objects.setdefault(place, [{} for _ in portion.numbers])
        for index, cell in enumerate(cells):
            value = cell.strip().replace("\0", "") if isinstance(cell, str) else cell
            if value is None or value == "":
                continue
            try:
                objects[index][key] = reading.check_custom(key, value) if place == CUSTOM else value
            except ValueError as error:
                portion.refuse(index, name, text_of(value), f"{name}: {error}")
    for index, attributes in enumerate(portion.objects.get(ATTRIBUTES, ())):
        if len(attributes) > MOST_ATTRIBUTES:
            portion.refuse(index, ATTRIBUTES, "", f"A record has at most {MOST_ATTRIBUTES} attributes.")


def _refuse_half_external(portion: Portion) -> None:
    """Both or none (a constraint of the tables)."""
    blank = [""] * len(portion)
    systems, ids = portion.columns.get(SYSTEM, blank), portion.columns.get(EXTERNAL, blank)
    for index, (system, external_id) in enumerate(zip(systems, ids, strict=True)):
        if bool(system) != bool(external_id) and portion.outcomes[index] is None:
            portion.refuse(index, EXTERNAL, external_id, "Give external_system and external_id together.")


def _keys(reading: Reading, portion: Portion) -> list[Sequence[Any]]:
    """By what rows are compared with each other, the surest first; None or "" compares with nothing."""
    found: list[Sequence[Any]] = []
    for by in reading.dedupe_by:
        if by is DedupeBy.EMAIL and EMAIL_KEY in portion.columns:
            found.append(portion.columns[EMAIL_KEY])
        elif by is DedupeBy.PUBLIC_ID and PUBLIC_ID in portion.columns:
            found.append(portion.columns[PUBLIC_ID])
        elif by is DedupeBy.EXTERNAL_ID and (externals := _externals(portion)) is not None:
            found.append(externals)
    return found


def _join_duplicates(reading: Reading, portion: Portion) -> None:
    """The later of two rows that mean one record gives it its values; the earlier one is what is written."""
    keys = [key for key in _keys(reading, portion) if not _all_differ(key)]
    if not keys:
        return
    seen: list[dict[Any, int]] = [{} for _ in keys]
    for index in portion.pending:
        own = [key[index] for key in keys]
        firsts = {known[key] for known, key in zip(seen, own, strict=True) if key and key in known}
        if len(firsts) > 1:
            rows = " and ".join(str(portion.numbers[first]) for first in sorted(firsts))
            portion.refuse(index, "", "", f"Its ids mean different records, those of rows {rows}.")
            continue
        first = next(iter(firsts), index)
        if first != index:
            _join(reading, portion, first, index)
        if portion.outcomes[index] is not Outcome.FAILED:
            for known, key in zip(seen, own, strict=True):
                if key:
                    known.setdefault(key, first)


def _refuse_taken_twice(portion: Portion) -> None:
    """Unique values that two rows have which do not mean the same record."""
    for name, cells in ((EMAIL, portion.columns.get(EMAIL_KEY)), (EXTERNAL, _externals(portion))):
        if cells is None or _all_differ(cells):
            continue
        seen: dict[Any, int] = {}
        for index in portion.pending:
            first = seen.setdefault(cells[index], index) if cells[index] else index
            if first != index:
                row = portion.numbers[first]
                portion.refuse(index, name, portion.columns[name][index], f"Row {row} of this file has it already.")


def _externals(portion: Portion) -> list[tuple[str, str] | None] | None:
    if EXTERNAL not in portion.columns or SYSTEM not in portion.columns:
        return None
    pairs = zip(portion.columns[SYSTEM], portion.columns[EXTERNAL], strict=True)
    return [pair if pair[1] else None for pair in pairs]


def _join(reading: Reading, portion: Portion, first: int, index: int) -> None:
    if reading.on_existing is OnExisting.FAIL:
        message = f"Row {portion.numbers[first]} of this file means the same {reading.kind.value}."
        portion.refuse(index, "", "", message)
        return
    portion.outcomes[index] = Outcome.DUPLICATE
    if reading.on_existing is OnExisting.SKIP:
        return
    for cells in portion.columns.values():
        cells[first] = cells[index] or cells[first]
    if portion.tags:
        portion.tags[first] = list(dict.fromkeys((*portion.tags[first], *portion.tags[index])))
    for objects in portion.objects.values():
        objects[first] = {**objects[first], **objects[index]}


def _all_differ(key: Sequence[Any]) -> bool:
    filled = [one for one in key if one]
    return len(set(filled)) == len(filled)


def _lacking(reading: Reading, portion: Portion) -> list[str]:
    """Per row the names that a new record would need, with commas; nothing at all when nothing is required."""
    spec = SPECS[reading.kind]
    wanted = [name for name, info in spec.fields.model_fields.items() if info.is_required()]
    if not wanted and not reading.required:
        return []
    blank: list[str] = [""] * len(portion)
    columns = [(name, portion.columns.get(name, blank)) for name in wanted]
    custom = portion.objects.get(CUSTOM)
    found: list[str] = []
    for index in range(len(portion)):
        names = [name for name, cells in columns if not cells[index]]
        names += [f"custom.{key}" for key in reading.required if custom is None or key not in custom[index]]
        found.append(", ".join(names))
    return found
