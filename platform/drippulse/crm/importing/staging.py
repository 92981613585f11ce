"""A portion's rows in the text format of COPY. Pure."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from drippulse.crm.importing.fields import PUBLIC_ID, TAGS, fields_of
from drippulse.crm.importing.identities import new_numbers, public_form
from drippulse.crm.importing.portions import EMAIL_KEY
from drippulse.crm.importing.state import Portion
from drippulse.crm.tables import PUBLIC_PREFIX, RecordType
from drippulse.kit.json import dump_json

T = TypeVar("T")
ROW, NEW_ID, NEW_PUBLIC_ID, LACKS = "n", "new_id", "new_public_id", "lacks"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})
_SPECIAL = ("\\", "\t", "\n", "\r", "\0")


def staged_columns(kind: RecordType, portion: Portion) -> dict[str, str]:
    """Column -> type, in the order of `copy_text`."""
    types = fields_of(kind)
    known = {name: types[name].type if name in types else "text" for name in portion.columns}
    known |= {TAGS: "text[]"} if portion.tags else {}
    known |= dict.fromkeys(portion.objects, "jsonb")
    known |= {LACKS: "text"} if portion.lacking else {}
    return {ROW: "integer", NEW_ID: "uuid", NEW_PUBLIC_ID: "text", **known}


def copy_text(kind: RecordType, portion: Portion, indexes: Sequence[int]) -> bytes:
    """The rows with these indexes; the empty text is NULL. Each gets the ids that it has if it is new."""
    numbers = list(new_numbers(len(indexes)))
    prefix = PUBLIC_PREFIX[kind]
    everything = len(indexes) == len(portion)

    def pick(cells: Sequence[T]) -> Sequence[T]:
        return cells if everything else [cells[index] for index in indexes]

    columns: list[Sequence[str]] = [
        [str(index) for index in indexes],
        [f"{number:032x}" for number in numbers],
        [public_form(prefix, number) for number in numbers],
        *(_escaped(pick(cells)) for cells in portion.columns.values()),
    ]
    if portion.tags:
        columns.append(_escaped([_array(tags) for tags in pick(portion.tags)]))
    columns += [_escaped(_objects(pick(objects))) for objects in portion.objects.values()]
    if portion.lacking:
        columns.append(pick(portion.lacking))
    lines = "\n".join(map("\t".join, zip(*columns, strict=True)))
    return f"{lines}\n".encode(errors="replace") if lines else b""


def _objects(objects: Sequence[Mapping[str, object]]) -> list[str]:
    return [dump_json(one) if one else "" for one in objects]


def _escaped(cells: Sequence[str]) -> Sequence[str]:
    joined = "".join(cells)
    if any(special in joined for special in _SPECIAL):
        return [cell.translate(_ESCAPES) for cell in cells]
    return cells


def _array(tags: Sequence[str]) -> str:
    if not tags:
        return ""
    quoted = ('"' + tag.replace("\\", "\\\\").replace('"', '\\"') + '"' for tag in tags)
    return "{" + ",".join(quoted) + "}"


IDENTITY_COLUMNS = frozenset({ROW, NEW_ID, NEW_PUBLIC_ID, LACKS, PUBLIC_ID, EMAIL_KEY})
