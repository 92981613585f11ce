"""The names that templates and conditions see: the bag's own keys, and `contact` made from them."""

from collections.abc import Mapping
from typing import Any

CONTACT_FIELDS = ("email", "first_name", "last_name", "name")


def contact_view(bag: Mapping[str, Any]) -> dict[str, Any]:
    """`contact`: {email, first_name, last_name, name, attributes}; `attributes` are all other top-level fields.

    A field that the bag lacks is absent. `name` falls back to first and last name.
    """
    view = {field: bag[field] for field in CONTACT_FIELDS if field in bag}
    if "name" not in view:
        name = " ".join(str(part) for part in (bag.get("first_name"), bag.get("last_name")) if part)
        if name:
            view["name"] = name
    view["attributes"] = {key: value for key, value in bag.items() if key not in CONTACT_FIELDS}
    return view


def resolve(path: str, bag: Mapping[str, Any]) -> Any:
    """The value at a dotted path (`payload.items.0.sku`), or None.

    A key that has the dots in its own name wins (`utm.source`); digits index lists; `contact` is there without being
    in the bag.
    """
    if path in bag:
        return bag[path]
    head, _, rest = path.partition(".")
    if head in bag:
        return _descend(bag[head], rest)
    return _descend(contact_view(bag), rest) if head == "contact" else None


def _descend(value: Any, rest: str) -> Any:
    while rest:
        if isinstance(value, Mapping):
            if rest in value:
                return value[rest]  # pyright: ignore[reportUnknownVariableType] - JSON
            head, _, rest = rest.partition(".")
            value = value.get(head)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType] - JSON
        elif isinstance(value, list):
            head, _, rest = rest.partition(".")
            value = _item(value, head)  # pyright: ignore[reportUnknownArgumentType] - JSON
        else:
            return None
    return value  # pyright: ignore[reportUnknownVariableType] - JSON


def _item(values: list[Any], index: str) -> Any:
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        return None
    position = int(index)
    return values[position] if position < len(values) else None
