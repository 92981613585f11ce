"""From tallies to the answer. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from drippulse.sending.quiet_hours import DAYS
from drippulse.workflows.graph import Graph
from drippulse.workflows.simulation.state import Simulation
from drippulse.workflows.simulation.tally import UNTOLD, StepTally, Tally
from drippulse.workflows.walk import MAX_VISITS

MOST_PATHS = 50
MOST_PATH_STEPS = 100
MOST_NAMES = 100
LATE_SECONDS = 86_400
ENDINGS = ("completed", "exited", "failed", "active")
STEP_METRICS = ("entered", "contacts", "completed", "skipped", "failed", "waiting", "sends")


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank of sorted values; None of nothing."""
    return round(values[min(len(values) - 1, int(len(values) * share))], 3) if values else None


def result_of(
    run: Simulation, tally: Tally, *, contacts: int, rules: Sequence[tuple[str, int | None]], most_a_day: int | None
) -> dict[str, Any]:
    """`ResultOut`, without what names the definition."""
    standing = Counter(person.state.cursor for person in run.people.values() if not person.over)
    steps = [_step(run.graph, tally, index, standing[index]) for index in range(len(run.graph))]
    result: dict[str, Any] = {
        "totals": _totals(run, tally, contacts),
        "reasons": dict(tally.reasons.most_common(MOST_NAMES)),
        "duration": _spread(tally.durations),
        "steps": steps,
        **_paths(run, tally),
        "sends": _sends(tally),
        "caps": [_cap(tally, reason, limit) for reason, limit in rules],
        "missing_variables": _missing(tally.steps),
    }
    return {**result, "warnings": list(_warnings(result, run, most_a_day))}


def compare(
    this: dict[str, Any], other: dict[str, Any], runs: tuple[Simulation, Simulation], tallies: tuple[Tally, Tally]
) -> dict[str, Any]:
    """`ComparisonOut`: two results over the same contacts."""
    mine, theirs = dict(_metrics(this)), dict(_metrics(other))
    names = [*mine, *(name for name in theirs if name not in mine)]
    numbers = set(runs[0].people) | set(runs[1].people)
    apart = sum(_way(tallies[0], number) != _way(tallies[1], number) for number in numbers)
    return {
        "other": other,
        "differences": [_difference(name, mine.get(name), theirs.get(name)) for name in names],
        "other_path": apart,
        "other_path_share": round(apart / len(numbers), 4) if numbers else 0.0,
    }


def _way(tally: Tally, number: int) -> tuple[int, str]:
    return tally.paths.marks.get(number, 0), tally.ending(number)


def _difference(name: str, this: float | None, other: float | None) -> dict[str, Any]:
    gap = None if this is None or other is None else round(this - other, 3)
    return {"metric": name, "this": this, "other": other, "difference": gap}


def _metrics(result: dict[str, Any]) -> Iterator[tuple[str, float | None]]:
    for name, value in result["totals"].items():
        yield f"totals.{name}", value
    for name, value in result["duration"].items():
        yield f"duration.{name}", value
    yield "sends.total", result["sends"]["total"]
    yield "sends.busiest_day", (result["sends"]["busiest_day"] or {"sends": 0})["sends"]
    yield "sends.late", result["sends"]["late"]["mails"]
    for cap in result["caps"]:
        yield f"caps.{cap['reason']}.mails", cap["mails"]
    for step in result["steps"]:
        for name in STEP_METRICS:
            yield f"steps.{step['id']}.{name}", step[name]
        yield f"steps.{step['id']}.p50_seconds", step["time_to_reach"]["p50_seconds"]


def _totals(run: Simulation, tally: Tally, contacts: int) -> dict[str, int]:
    ends = Counter(tally.ending(number) for number in run.people)
    return {
        "contacts": contacts,
        **{ending: ends[ending] for ending in ENDINGS},
        "not_started": contacts - len(run.people),
    }


def _step(graph: Graph, tally: Tally, index: int, waiting: int) -> dict[str, Any]:
    node, step = graph.nodes[index], tally.steps[index]
    return {
        "step_index": index,
        "id": node.id,
        "type": node.type,
        "name": node.name,
        "entered": step.entered,
        "completed": step.completed,
        "skipped": step.skipped,
        "failed": step.failed,
        "waiting": waiting,
        "contacts": len(step.reached),
        "time_to_reach": _spread(step.reached),
        "sends": step.sends,
        "suppressed": step.suppressed,
        "errors": dict(step.errors.most_common(MOST_NAMES)),
        "missing_variables": dict(step.missing.most_common(MOST_NAMES)),
    }


def _spread(values: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(values)
    return {"p50_seconds": percentile(ordered, 0.5), "p95_seconds": percentile(ordered, 0.95)}


def _paths(run: Simulation, tally: Tally) -> dict[str, Any]:
    ways = Counter((tally.paths.place.get(number, 0), tally.ending(number)) for number in run.people)
    told = [(way, contacts) for way, contacts in ways.most_common() if way[0] != UNTOLD][:MOST_PATHS]
    return {
        "paths": [_path(run, tally, place, ending, contacts) for (place, ending), contacts in told],
        "distinct_paths": len({_way(tally, number) for number in run.people}),
    }


def _path(run: Simulation, tally: Tally, place: int, ending: str, contacts: int) -> dict[str, Any]:
    visits = tally.paths.steps(place)
    nodes = run.graph.nodes
    return {
        "contacts": contacts,
        "share": round(contacts / len(run.people), 4),
        "ending": ending,
        "length": len(visits),
        "steps": [{"id": nodes[index].id, "status": status} for index, status in visits[:MOST_PATH_STEPS]],
    }


def _sends(tally: Tally) -> dict[str, Any]:
    days = [{"date": day.isoformat(), "sends": sends} for day, sends in sorted(tally.days.items())]
    late = sorted(tally.lateness)
    return {
        "total": sum(tally.days.values()),
        "busiest_day": max(days, key=lambda day: day["sends"], default=None),
        "per_day": days,
        "by_weekday": [{"weekday": name, "hours": tally.hours[at]} for at, name in enumerate(DAYS)],
        "late": {"mails": len(late), **_spread(late), "max_seconds": late[-1] if late else None},
        "suppressed": sum(step.suppressed for step in tally.steps),
    }


def _cap(tally: Tally, reason: str, limit: int | None) -> dict[str, Any]:
    return {"reason": reason, "limit": limit, "refusals": tally.refusals[reason], "mails": tally.held_up[reason]}


def _missing(steps: Sequence[StepTally]) -> dict[str, int]:
    return dict(sum((step.missing for step in steps), Counter[str]()).most_common(MOST_NAMES))


def _warnings(result: dict[str, Any], run: Simulation, most_a_day: int | None) -> Iterator[str]:
    totals = result["totals"]
    for step in result["steps"]:
        shown = f'step {step["step_index"] + 1} ("{step["name"]}")'
        if not step["entered"]:
            yield f"Nobody reaches {shown}."
        if loops := step["errors"].get("loop_limit"):
            yield f"{loops} contacts fail at {shown}: it is visited more than {MAX_VISITS} times, an endless loop."
        elif step["failed"]:
            yield f"{step['failed']} visits fail at {shown}: {', '.join(step['errors'])}."
    for name, visits in list(result["missing_variables"].items())[:10]:
        yield f"The variable {name} rendered empty {visits} times."
    yield from _sending_warnings(result["sends"], most_a_day)
    if totals["active"]:
        yield f"{totals['active']} contacts are still under way at the horizon, {_shown(run.world.horizon)}."
    if totals["not_started"]:
        yield f"{totals['not_started']} contacts would enter after the horizon; let more enter a day, or look further."


def _sending_warnings(sends: dict[str, Any], most_a_day: int | None) -> Iterator[str]:
    over = [day for day in sends["per_day"] if most_a_day is not None and day["sends"] > most_a_day]
    if over:
        worst = max(over, key=lambda day: day["sends"])
        yield f"More than {most_a_day} mails go out on {len(over)} days; most on {worst['date']}: {worst['sends']}."
    late = sends["late"]
    if late["mails"] and late["max_seconds"] > LATE_SECONDS:
        yield f"{late['mails']} mails are late, up to {late['max_seconds'] / LATE_SECONDS:.1f} days."


def _shown(moment: datetime) -> str:
    return moment.date().isoformat()
