"""What differs between two versions. Pure; secrets are compared and never shown."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from drippulse.workflows.secrets import MASK, Step, redact

ABSENT: Any = object()


def diff_versions(
    old: Sequence[Step], new: Sequence[Step], old_settings: Mapping[str, Any], new_settings: Mapping[str, Any]
) -> dict[str, Any]:
    """`{added, removed, moved, changed, settings, same}` from the old to the new version, steps known by their ids.

    Args:
        old: revealed steps; so are `new`.
    """
    before, after = {step["id"]: step for step in old}, {step["id"]: step for step in new}
    common = [key for key in before if key in after]
    answer: dict[str, Any] = {
        "added": [_brief(step) for step in new if step["id"] not in before],
        "removed": [_brief(step) for step in old if step["id"] not in after],
        "moved": [
            {**_brief(after[key]), "from": before[key]["position"], "to": after[key]["position"]}
            for key in moved_ids(list(before), list(after))
        ],
        "changed": [
            {**_brief(after[key]), "fields": fields} for key in common if (fields := changes(before[key], after[key]))
        ],
        "settings": _settings_changes(old_settings, new_settings),
    }
    return {**answer, "same": not any(answer.values())}


def changes(old: Step, new: Step) -> list[dict[str, Any]]:
    """`{path, before, after}` of each field that differs; a field that is absent on one side is null there."""
    [old_shown], [new_shown] = redact([old]), redact([new])
    return [
        {
            "path": ".".join(keys),
            "before": None if before is ABSENT else _at(_content(old_shown), keys),
            "after": None if after is ABSENT else _at(_content(new_shown), keys),
        }
        for keys, before, after in _differences(_content(old), _content(new))
    ]


def moved_ids(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The fewest ids whose removal leaves those that both have in one order; in the order of `new`."""
    place = {key: position for position, key in enumerate(old)}
    order = [key for key in new if key in place]
    stay = _longest_rising([place[key] for key in order])
    return [key for key in order if place[key] not in stay]


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The members of one longest rising subsequence of distinct numbers."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        before[number] = ends[at - 1] if at else None
        ends[at:] = [number, *ends[at + 1 :]]
    chosen: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        chosen.add(last)
        last = before[last]
    return chosen


def _brief(step: Step) -> dict[str, Any]:
    return {"id": step["id"], "type": step["type"], "name": step["name"], "position": step["position"]}


def _content(step: Step) -> dict[str, Any]:
    return {"type": step["type"], "name": step["name"], "config": step["config"]}


def _settings_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"path": ".".join(("settings", *keys)), "before": _or_null(before), "after": _or_null(after)}
        for keys, before, after in _differences(old, new)
    ]


def _differences(old: Any, new: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """(keys that lead there, before, after) of the smallest parts that differ."""
    old_parts, new_parts = _parts(old), _parts(new)
    if old_parts is None or new_parts is None or isinstance(old, list) != isinstance(new, list):
        if not _same(old, new):
            yield keys, old, new
        return
    for key in dict.fromkeys([*old_parts, *new_parts]):
        yield from _differences(old_parts.get(key, ABSENT), new_parts.get(key, ABSENT), (*keys, key))


def _same(old: Any, new: Any) -> bool:
    """JSON's equality of two values without parts; 1 and true differ, although Python says otherwise."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)


def _parts(value: Any) -> dict[str, Any] | None:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(cast("list[Any]", value))}
    return None


def _at(shown: Any, keys: Sequence[str]) -> Any:
    """What callers may see there; below a masked value that is the mask."""
    for key in keys:
        parts = _parts(shown)
        if parts is None:
            return MASK
        shown = parts[key]
    return shown


def _or_null(value: Any) -> Any:
    return None if value is ABSENT else value
