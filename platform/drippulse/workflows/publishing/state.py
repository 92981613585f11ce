"""Where runs in flight go when a version is published: the map's check and the preview's arithmetic. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from drippulse.kit.text import did_you_mean
from drippulse.workflows.publishing.tables import Strategy
from drippulse.workflows.secrets import Step

StepMap: TypeAlias = Mapping[str, str | None]
Findings: TypeAlias = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Group:
    """Runs in flight on one step of one version. `waiting` for a time or for somebody, `in_call` with an effect begun,
    `held` by a pause."""

    version: int
    step_id: str
    step_index: int
    name: str
    type: str
    count: int
    waiting: int = 0
    in_call: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """A place in the new version. `stay`: the same step goes on, with its visit."""

    id: str
    index: int
    stay: bool


Targets: TypeAlias = dict[str, Target | None]
"""Step id -> where whoever stands there goes; None ends the run. What has no entry stays where it is."""
NO_STEP = ""
"""Where runs of a version without steps stand."""


def check_map(step_map: StepMap, known: Iterable[str], new: Sequence[Step]) -> Findings:
    """What is wrong with a map by itself: names that nobody can stand on, places that the new version lacks."""
    known_ids, places = set(known), [step["id"] for step in new]
    findings: Findings = {}
    for old, target in step_map.items():
        if old not in known_ids:
            hint = did_you_mean(old, known_ids)
            findings[f"step_map.{old}"] = [f'No version in flight has a step "{old}".{hint}']
        elif target is not None and target not in places:
            hint = did_you_mean(target, places)
            findings[f"step_map.{old}"] = [f'The new version has no step "{target}" to go to.{hint}']
    return findings


def targets(strategy: Strategy, step_map: StepMap, occupied: Mapping[str, set[str]], new: Sequence[Step]) -> Targets:
    """Where everybody goes.

    Args:
        occupied: step id -> the types it has in the versions that are in flight, also of steps nobody stands on.
    """
    if strategy is Strategy.MIGRATE:
        return {
            old: target
            for old, types in occupied.items()
            if (target := _migrated(old, types, step_map, new)) is not MISSING
        }
    first = Target(new[0]["id"], 0, stay=False) if new else None
    place = first if strategy is Strategy.RESTART else None
    return {} if strategy is Strategy.PIN else dict.fromkeys([*occupied, NO_STEP], place)


def gaps(groups: Iterable[Group], places: Targets, strategy: Strategy) -> Findings:
    """Steps with people on them that have nowhere to go, each with a sentence and the way out."""
    if strategy is not Strategy.MIGRATE:
        return {}
    people: dict[str, int] = {}
    names: dict[str, str] = {}
    for group in groups:
        if group.step_id not in places:
            people[group.step_id] = people.get(group.step_id, 0) + group.count
            names[group.step_id] = group.name
    return {f"step_map.{step}": [_gap(step, names[step], count)] for step, count in people.items()}


def movements(groups: Iterable[Group], places: Targets, strategy: Strategy) -> list[dict[str, Any]]:
    """Each group and where it goes: `stays` (pinned), `moves`, `exits`, or `gap`."""
    return [{**_shown(group), **_movement(group, places, strategy)} for group in groups]


def occupied_key(standing: Iterable[tuple[int, int]]) -> list[list[int]]:
    """(version, step index) of all groups in one canonical form, for the confirm token."""
    return [[version, index] for version, index in sorted(set(standing))]


def shown_places(groups: Iterable[Group], places: Targets) -> dict[str, list[Any] | None]:
    """Where those in flight go, for the confirm token: step id -> [step id, whether they stay], or null."""
    return {group.step_id: _shown_place(places[group.step_id]) for group in groups if group.step_id in places}


def unseen(
    groups: Iterable[Group],
    places: Targets,
    strategy: Strategy,
    occupied: Iterable[Sequence[int]],
    shown: Mapping[str, list[Any] | None],
) -> str | None:
    """What of a publication is not as its preview showed it; None when nobody fares otherwise.

    People walk on meanwhile. That matters only where one has come to a step without a place to go to, or where those on
    a step would go another way, because of a version that nobody was on when the preview was made.

    Args:
        occupied: (version, step index) of the groups that the preview showed.
        shown: `shown_places` of the preview.
    """
    if strategy is not Strategy.MIGRATE:
        return None
    known = {(version, index) for version, index in occupied}
    for group in groups:
        if group.step_id not in places:
            if (group.version, group.step_index) not in known:
                return f'Somebody came to stand on step "{group.step_id}", which has no place to go to,'
        elif group.step_id in shown and _shown_place(places[group.step_id]) != shown[group.step_id]:
            return f'Where people on step "{group.step_id}" go has changed'
    return None


def _shown_place(place: Target | None) -> list[Any] | None:
    return None if place is None else [place.id, place.stay]


class _Missing:
    """Stands for a step that the new version lacks and the map does not name."""


MISSING: Any = _Missing()


def _migrated(old: str, types: set[str], step_map: StepMap, new: Sequence[Step]) -> Target | None:
    wanted = step_map.get(old, old)
    if wanted is None:
        return None
    for index, step in enumerate(new):
        if step["id"] == wanted:
            return Target(wanted, index, stay=wanted == old and types == {step["type"]})
    return MISSING


def _gap(step: str, name: str, count: int) -> str:
    people = "1 person stands" if count == 1 else f"{count} people stand"
    return (
        f'{people} on step "{step}" ("{name}"), which the new version does not have; '
        f'map it to one of its steps, or to null to end the runs: {{"step_map": {{"{step}": …}}}}.'
    )


def _shown(group: Group) -> dict[str, Any]:
    return {
        "version": group.version,
        "step_id": group.step_id,
        "step_index": group.step_index,
        "name": group.name,
        "type": group.type,
        "count": group.count,
        "waiting": group.waiting,
        "in_call": group.in_call,
        "held": group.held,
    }


def _movement(group: Group, places: Targets, strategy: Strategy) -> dict[str, Any]:
    if strategy is Strategy.PIN:
        return {"outcome": "stays", "to": None}
    if group.step_id not in places:
        return {"outcome": "gap", "to": None}
    place = places[group.step_id]
    return {"outcome": "exits", "to": None} if place is None else {"outcome": "moves", "to": place.id}
