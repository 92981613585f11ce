"""The simulation itself: a discrete-event run of many contacts over the engine's own walk. Pure.

Every contact is walked one step at a time at the instant it is due, in the order of time, so that what contacts share
(caps) is decided in the order in which the engine would decide it. A watcher is told what happens and keeps what it
wants; the run keeps each contact's place and nothing else.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from drippulse.enrollments.admission import ON_THE_LIST
from drippulse.enrollments.state import MAX_ATTEMPTS, retry_delay
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.errors import DomainError
from drippulse.workflows.graph import Graph
from drippulse.workflows.simulation.caps import Admission, Mail
from drippulse.workflows.simulation.errors import SimulationTooLargeError
from drippulse.workflows.simulation.lots import Lots
from drippulse.workflows.simulation.waiting import WAITS, Answer, Visited
from drippulse.workflows.steps.base import Advance, Decision, Outcome, OutcomeKind, WaitUntil
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import Effect, StepRecord, Stop, Subject, Walk, WalkState, advance, resume_with, start

RETRY_BASE_SECONDS = 5.0
LOOKED_EVERY = 128
AT_ONCE = timedelta(seconds=1)
OVER = (Stop.COMPLETED, Stop.FAILED)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who enters at `at`. `enrollment_id` is what steps see; `bag` is made when it is needed."""

    number: int
    enrollment_id: int
    at: datetime
    timezone: str
    bag: Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class World:
    """What a run goes by.

    `horizon` ends it; `out_of_time` is asked now and then and stops it with an error. `suppressed` are addresses as
    `same_mailbox_key`, `endings` the (event type, exit reason) of goals and exit criteria.
    """

    organization_id: int
    workflow_id: int
    horizon: datetime
    lots: Lots
    admission: Admission
    suppressed: frozenset[str] = frozenset()
    endings: tuple[tuple[str, str], ...] = ()
    organization_timezone: str = "UTC"
    out_of_time: Callable[[], bool] = lambda: False
    retry_base: float = RETRY_BASE_SECONDS


@dataclass(slots=True)
class Person:
    """One contact under way.

    `answer` is what visit `asked_visit` will be told at its time. Of the mail of `late_visit`: since when it is late
    and by which rules.
    """

    contact: Contact
    subject: Subject
    state: WalkState
    asked_visit: int = 0
    answer: Answer | None = None
    admitted_visit: int = 0
    late_visit: int = 0
    late_since: datetime | None = None
    rules: set[str] = field(default_factory=set[str])
    over: bool = False


class Watcher(Protocol):
    """Is told what happens, in the order of time. `index` is a step's place in the graph."""

    def entered(self, person: Person, index: int, at: datetime, *, first: bool) -> None: ...
    def record(self, person: Person, record: StepRecord, missing: dict[str, None]) -> None: ...
    def sent(self, person: Person, index: int, at: datetime, late: timedelta) -> None: ...
    def suppressed(self, index: int) -> None: ...
    def refused(self, reason: str, *, first: bool) -> None: ...
    def ended(self, person: Person, walk: Walk, at: datetime) -> None: ...


@dataclass(slots=True)
class Simulation:
    """One run. `people` are those who entered, by their number, when it is over."""

    graph: Graph
    world: World
    watcher: Watcher
    now: datetime
    people: dict[int, Person] = field(default_factory=dict[int, Person])
    templates: Templates = field(init=False)
    _heap: list[tuple[datetime, int, int, str]] = field(default_factory=list[tuple[datetime, int, int, str]])
    _turns: int = 0

    def __post_init__(self) -> None:
        self.templates = Templates(clock=lambda: self.now)

    def run(self, contacts: Sequence[Contact]) -> None:
        """Raises SimulationTooLargeError when `out_of_time` says so."""
        arrivals = {contact.number: contact for contact in contacts}
        for contact in contacts:
            self._due(contact.at, contact.number)
        with self.templates.recording() as missing:
            for number, ending in self._times():
                person = self.people.get(number) or self._enter(arrivals[number])
                if ending:
                    self._rest(person, Walk(Stop.COMPLETED, person.state, [], reason=ending))
                else:
                    self._go_on(person, missing)

    def _times(self) -> Iterator[tuple[int, str]]:
        """Whose turn it is, and why the run ends when it does; until nobody is due before the horizon. `now` moves
        along."""
        while self._heap and self._heap[0][0] < self.world.horizon:
            due, turn, number, ending = heapq.heappop(self._heap)
            if turn % LOOKED_EVERY == 0 and self.world.out_of_time():
                raise SimulationTooLargeError("its CPU time")
            if number not in self.people or not self.people[number].over:
                self.now = max(self.now, due)
                yield number, ending

    def _due(self, at: datetime, number: int, ending: str = "") -> None:
        self._turns += 1
        heapq.heappush(self._heap, (at, self._turns, number, ending))

    def _enter(self, contact: Contact) -> Person:
        subject = Subject(
            organization_id=self.world.organization_id,
            enrollment_id=contact.enrollment_id,
            workflow_id=self.world.workflow_id,
            timezone=contact.timezone,
            templates=self.templates,
            organization_timezone=self.world.organization_timezone,
        )
        person = Person(contact, subject, start(self.graph, contact.bag(), self.now))
        self.people[contact.number] = person
        for event_type, reason in self.world.endings:
            seconds = self.world.lots.ending(contact.number, event_type)
            if seconds is not None:
                self._due(self.now + timedelta(seconds=seconds), contact.number, reason)
        if self.graph.nodes:
            self.watcher.entered(person, 0, self.now, first=True)
        return person

    def _go_on(self, person: Person, missing: dict[str, None]) -> None:
        """Walk until the contact rests."""
        while True:
            before = person.state.visit
            missing.clear()
            walk = self._one_step(person)
            for record in walk.records:
                before = self._entered(person, walk, before, record.visit, record.step_index)
                self.watcher.record(person, record, missing)
                missing.clear()
            person.state = walk.state
            if walk.state.cursor < len(self.graph):
                self._entered(person, walk, before, walk.state.visit, walk.state.cursor)
            if walk.stop is not Stop.YIELDED:
                self._rest(person, walk)
                return

    def _entered(self, person: Person, walk: Walk, before: int, visit: int, index: int) -> int:
        """Tell of a visit that is newer than `before`; the newest visit that was told."""
        if visit <= before:
            return before
        first = walk.state.visits.get(self.graph.nodes[index].id) == 1
        self.watcher.entered(person, index, self.now, first=first)
        return visit

    def _one_step(self, person: Person) -> Walk:
        walk = advance(self.graph, person.state, person.subject, self.now, max_steps=1)
        if walk.effect is None:
            return walk
        result = self._result(person, walk.effect)
        settled = self._resume(person, walk, result, walk.effect)
        if settled.stop is Stop.RETRY and settled.state.attempt >= MAX_ATTEMPTS:
            message = f"{settled.message} Given up after {MAX_ATTEMPTS} attempts."
            outcome = Outcome(OutcomeKind.FAILED, code=settled.code, message=message)
            return self._resume(person, walk, outcome, walk.effect)
        return settled

    def _resume(self, person: Person, walk: Walk, result: Outcome | Decision, effect: Effect) -> Walk:
        return resume_with(self.graph, walk.state, person.subject, self.now, result, effect, max_steps=0)

    def _result(self, person: Person, effect: Effect) -> Outcome | Decision:
        """What becomes of an effect: the model's word, or the rehearsal that `/test` shows."""
        visited = WAITS.get(effect.node.type)
        if visited is not None:
            try:
                return self._wait(person, visited(effect, person.contact.number, self.world.lots))
            except DomainError as error:
                return Outcome(OutcomeKind.FAILED, code=error.error_code, message=error.message)
        if effect.prepared.recipient is not None:
            refusal = self._last_look(person, effect, effect.prepared.recipient)
            if refusal is not None:
                return refusal
        outcome = self.world.lots.call(effect, person.contact.number)
        if effect.prepared.recipient is not None and (outcome is None or outcome.kind is OutcomeKind.DONE):
            late = self.now - person.late_since if person.late_since else timedelta(0)
            self.watcher.sent(person, effect.node.index, self.now, late)
        if outcome is not None:
            return outcome
        rehearsal = effect.node.step.rehearse(effect.prepared, effect.ctx)
        return Advance(output=rehearsal.output, logs=rehearsal.logs)

    def _wait(self, person: Person, visited: Visited) -> Decision:
        """What a step that waits for somebody does now: the answer is drawn when it is asked for the first time."""
        if person.asked_visit != person.state.visit:
            person.asked_visit, person.answer = person.state.visit, visited.ask(self.now)
        answer, ends = person.answer, visited.ends_at
        if answer is not None and (ends is None or answer.at < ends):
            return visited.answered(answer) if answer.at <= self.now else WaitUntil(answer.at, visited.reason)
        if ends is not None and ends <= self.now:
            return visited.timed_out(self.now)
        return WaitUntil(ends, visited.reason)

    def _last_look(self, person: Person, effect: Effect, recipient: str) -> Decision | None:
        """Suppression and caps, as before a real mail; a further attempt of a mail is not asked again."""
        if person.admitted_visit == person.state.visit:
            return None
        if same_mailbox_key(recipient) in self.world.suppressed:
            self.watcher.suppressed(effect.node.index)
            return ON_THE_LIST
        if person.late_visit != person.state.visit:
            person.late_visit, person.late_since, person.rules = person.state.visit, None, set()
        sender = str(effect.prepared.summary.get("from") or "")
        number, zone = person.contact.enrollment_id, person.subject.timezone
        refusal = self.world.admission.admit(Mail(number, person.state.visit, recipient, sender, zone), self.now)
        if refusal is None:
            person.admitted_visit = person.state.visit
            return None
        person.late_since = person.late_since or self.now
        for rule in refusal.rules:
            self.watcher.refused(rule, first=rule not in person.rules)
            person.rules.add(rule)
        return WaitUntil(at=refusal.at, reason=refusal.reason)

    def _rest(self, person: Person, walk: Walk) -> None:
        number = person.contact.number
        if walk.stop in OVER:
            person.over = True
            self.watcher.ended(person, walk, self.now)
        elif walk.stop is Stop.RETRY:
            delay = retry_delay(person.state.attempt, self.world.retry_base, walk.retry_after)
            person.state.attempt += 1
            self._due(self.now + delay, number)
        elif walk.stop is Stop.WAITING and walk.until is not None:
            self._due(walk.until if walk.until > self.now else self.now + AT_ONCE, number)
