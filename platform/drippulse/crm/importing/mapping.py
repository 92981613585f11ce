"""Which column is which field: what the caller says, else what names and contents suggest. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence

from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.fields import DOTTED, EMAIL, FULL_NAME, PUBLIC_ID, field_names
from drippulse.crm.importing.names import SPELLINGS
from drippulse.crm.records import SPECS
from drippulse.crm.tables import PUBLIC_PREFIX, RecordType
from drippulse.enrollments.csv_headers import snake_case
from drippulse.kit.addresses import normalize_address
from drippulse.kit.errors import ValidationError
from drippulse.kit.public_ids import decode_id
from drippulse.kit.text import did_you_mean

ENOUGH = 0.8
"""This share of a column's cells must look like what it is taken for."""
IGNORED = frozenset({"", "ignore", "-"})
LONGEST_KEY = 100
_KEY = re.compile(r"[^\x00-\x1f]{1,100}")


def column_names(cells: Sequence[str]) -> list[str]:
    """Names of the columns, each once: without one it is `column_3`, the second `Name` is `Name_2`.

    Raises:
        UnreadableFileError: the first row holds an address: it is data, and there is no header.
    """
    kept = [cell.strip()[:LONGEST_KEY] for cell in cells]
    while kept and not kept[-1]:
        kept.pop()
    if any(normalize_address(name) for name in kept):
        raise UnreadableFileError("The first row holds an e-mail address; put a row above it that names the columns.")
    names: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(kept, 1):
        own, again = name or f"column_{number}", 1
        unused = own
        while unused in taken:
            again += 1
            unused = f"{own}_{again}"
        taken.add(unused)
        names.append(unused)
    return names


def given_mapping(
    kind: RecordType, names: Sequence[str], mapping: Mapping[str, str | None], custom: Sequence[str]
) -> dict[str, str]:
    """Column -> field, as the caller says. Columns may be named without regard to case.

    Raises:
        ValidationError: a column or a field that there is not, or two columns for one field.
    """
    known = {**{name.casefold(): name for name in names}, **{name: name for name in names}}
    found: dict[str, str] = {}
    errors: dict[str, list[str]] = {}
    for column, field in mapping.items():
        own = known.get(column) or known.get(column.strip().casefold())
        target = (field or "").strip()
        if own is None:
            errors[f"mapping.{column}"] = [f"The file has no such column.{did_you_mean(column, names)}"]
        elif target.casefold() in IGNORED:
            continue
        elif (sentence := _refused(kind, target, custom)) is not None:
            errors[f"mapping.{column}"] = [sentence]
        elif target in found.values():
            errors[f"mapping.{column}"] = [f"{target} is mapped already; map each field once."]
        else:
            found[own] = target
    if errors:
        first = next(iter(errors))
        raise ValidationError(f"{first}: {errors[first][0]}", errors=errors)
    return found


def guess_mapping(
    kind: RecordType, names: Sequence[str], sample: Sequence[Sequence[str]], custom: Mapping[str, str]
) -> dict[str, str]:
    """Column -> field by the columns' names, and by what stands in them where no name says e-mail.

    Args:
        custom: the organization's custom fields, key -> label.
    """
    found: dict[str, str] = {}
    for column in names:
        field = _by_name(kind, snake_case(column), found, custom)
        if field is not None:
            found[column] = field
    if EMAIL in field_names(kind) and EMAIL not in found.values():
        column = _mostly_addresses(names, sample, found)
        if column is not None:
            found[column] = EMAIL
    return _plausible(kind, names, sample, found)


def _refused(kind: RecordType, field: str, custom: Sequence[str]) -> str | None:
    prefix = next((prefix for prefix in DOTTED if field.startswith(prefix)), None)
    if prefix is not None:
        key = field.removeprefix(prefix)
        if not key or _KEY.fullmatch(key) is None:
            return "Name a key of at most 100 characters behind the dot."
        if prefix != "attributes." and key not in custom:
            return f'"{key}" is not a custom field.{did_you_mean(key, custom)}'
        return None
    known = field_names(kind)
    if field in known:
        return None
    return (
        f'"{field[:100]}" is not a field of {SPECS[kind].plural}.{did_you_mean(field, known)} '
        f"The fields are {', '.join(known)}, attributes.<key> and custom.<key>."
    )


def _by_name(kind: RecordType, own: str, found: Mapping[str, str], custom: Mapping[str, str]) -> str | None:
    for field, spellings in SPELLINGS[kind].items():
        if own in spellings and field not in found.values():
            return field
    for key, label in custom.items():
        target = f"custom.{key}"
        if own in {key, snake_case(label), f"custom_{key}"} and target not in found.values():
            return target
    return None


def _mostly_addresses(names: Sequence[str], sample: Sequence[Sequence[str]], found: Mapping[str, str]) -> str | None:
    for place, name in enumerate(names):
        cells = [row[place] for row in sample if place < len(row) and row[place].strip()]
        if name not in found and cells and _share(cells, lambda cell: normalize_address(cell) is not None) >= ENOUGH:
            return name
    return None


def _plausible(
    kind: RecordType, names: Sequence[str], sample: Sequence[Sequence[str]], found: dict[str, str]
) -> dict[str, str]:
    """Without guesses that what stands there contradicts: a column `id` that holds no ids of ours, a full name beside
    its parts."""
    fields = set(found.values())
    kept: dict[str, str] = {}
    for column, field in found.items():
        place = names.index(column)
        cells = [row[place].strip() for row in sample if place < len(row) and row[place].strip()]
        if field == PUBLIC_ID and cells and _share(cells, lambda cell: _is_ours(kind, cell)) < ENOUGH:
            continue
        if field == FULL_NAME and {"first_name", "last_name"} <= fields:
            continue
        kept[column] = field
    return kept


def _is_ours(kind: RecordType, cell: str) -> bool:
    return decode_id(PUBLIC_PREFIX[kind], cell) is not None or (len(cell) == 36 and cell.count("-") == 4)


def _share(cells: Sequence[str], holds: Callable[[str], bool]) -> float:
    return sum(1 for cell in cells if holds(cell)) / len(cells)
