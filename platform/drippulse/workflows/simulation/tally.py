"""What is kept of a simulation while it runs: counts, not records."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from drippulse.workflows.simulation.values import Person
from drippulse.workflows.walk import END_OF_STEPS, StepRecord, StepStatus, Stop, Walk
from drippulse.workflows.wall_clock import wall_time, zone

MAX_PATH_NODES = 200_000
UNTOLD = -1
"""The path of a contact that came when there were too many different ones to keep."""

PathKey = tuple[int, str]


@dataclass(slots=True)
class StepTally:
    """One step. `reached` has the seconds from entering the workflow to the first visit, one for each contact."""

    entered: int = 0
    completed: int = 0
    skipped: int = 0
    failed: int = 0
    sends: int = 0
    suppressed: int = 0
    reached: "array[float]" = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter[str])
    missing: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Paths:
    """The ways contacts took, as a tree of at most `most` places: each visit that is over leads from one place to the
    next."""

    ahead: dict[tuple[int, PathKey], int] = field(default_factory=dict[tuple[int, PathKey], int])
    back: list[tuple[int, PathKey]] = field(default_factory=list[tuple[int, PathKey]])
    place: dict[int, int] = field(default_factory=dict[int, int])
    marks: dict[int, int] = field(default_factory=dict[int, int])
    most: int = MAX_PATH_NODES

    def went(self, number: int, index: int, step_id: str, status: str) -> None:
        key = (index, status)
        self.marks[number] = hash((self.marks.get(number, 0), step_id, status))
        here = self.place.get(number, 0)
        if here == UNTOLD:
            return
        ahead = self.ahead.get((here, key))
        if ahead is None:
            if len(self.back) >= self.most:
                self.place[number] = UNTOLD
                return
            self.back.append((here, key))
            ahead = self.ahead[here, key] = len(self.back)
        self.place[number] = ahead

    def steps(self, place: int) -> list[PathKey]:
        """The visits that lead to a place, in order."""
        visits: list[PathKey] = []
        while place > 0:
            place, key = self.back[place - 1]
            visits.append(key)
        return visits[::-1]


@dataclass(slots=True)
class Tally:
    """The watcher of one run. `ends` says how each contact that ended did: completed, exited or failed."""

    steps: list[StepTally]
    paths: Paths = field(default_factory=Paths)
    ends: dict[int, str] = field(default_factory=dict[int, str])
    reasons: Counter[str] = field(default_factory=Counter[str])
    durations: "array[float]" = field(default_factory=lambda: array("d"))
    days: Counter[date] = field(default_factory=Counter[date])
    hours: list[list[int]] = field(default_factory=lambda: [[0] * 24 for _ in range(7)])
    lateness: "array[float]" = field(default_factory=lambda: array("d"))
    refusals: Counter[str] = field(default_factory=Counter[str])
    held_up: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, steps: int) -> "Tally":
        return cls([StepTally() for _ in range(steps)])

    def entered(self, person: Person, index: int, at: datetime, *, first: bool) -> None:
        step = self.steps[index]
        step.entered += 1
        if first:
            step.reached.append((at - person.contact.at).total_seconds())

    def record(self, person: Person, record: StepRecord, missing: dict[str, None]) -> None:
        if record.status is StepStatus.WAITING:
            return
        step = self.steps[record.step_index]
        if record.status is StepStatus.COMPLETED:
            step.completed += 1
        elif record.status is StepStatus.SKIPPED:
            step.skipped += 1
        else:
            step.failed += 1
            step.errors[str((record.error or {}).get("code", "error"))] += 1
        if missing:
            step.missing.update(missing.keys())
        self.paths.went(person.contact.number, record.step_index, record.step_id, record.status.value)

    def sent(self, person: Person, index: int, at: datetime, late: timedelta) -> None:
        self.steps[index].sends += 1
        self.days[at.date()] += 1
        wall = wall_time(at, zone(person.subject.timezone))
        self.hours[wall.weekday()][wall.hour] += 1
        if late:
            self.lateness.append(late.total_seconds())

    def suppressed(self, index: int) -> None:
        self.steps[index].suppressed += 1

    def refused(self, reason: str, *, first: bool) -> None:
        self.refusals[reason] += 1
        if first:
            self.held_up[reason] += 1

    def ended(self, person: Person, walk: Walk, at: datetime) -> None:
        number = person.contact.number
        if walk.stop is Stop.FAILED:
            self.ends[number] = "failed"
            self.reasons[walk.code] += 1
            return
        self.ends[number] = "completed" if walk.reason == END_OF_STEPS else "exited"
        self.reasons[walk.reason] += 1
        self.durations.append((at - person.contact.at).total_seconds())

    def ending(self, number: int) -> str:
        return self.ends.get(number, "active")
