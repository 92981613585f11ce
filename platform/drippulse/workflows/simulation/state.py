"""The simulation itself: a discrete-event run of many contacts over the engine's own walk. Pure.

Every contact is walked one step at a time at the instant it is due, in the order of time, so that what contacts share
(caps) is decided in the order in which the engine would decide it. A watcher is told what happens and keeps what it
wants; the run keeps each contact's place and nothing else.

A mail is not composed where nobody would see the difference: what it comes to is looked up (`mails`), and kept until
its visit is over, so that a mail that waits for its turn is only asked about again.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drippulse.enrollments.state import MAX_ATTEMPTS, retry_delay
from drippulse.workflows.graph import Graph, Node
from drippulse.workflows.settings import ended_by
from drippulse.workflows.simulation.effects import Effects
from drippulse.workflows.simulation.errors import SimulationTooLargeError
from drippulse.workflows.simulation.mails import QuickMail, Seen, lean
from drippulse.workflows.simulation.values import Contact, Person, Watcher, World
from drippulse.workflows.steps.base import Outcome, OutcomeKind
from drippulse.workflows.steps.email import EmailStep
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import (
    MAX_VISITS,
    Effect,
    StepRecord,
    StepStatus,
    Stop,
    Subject,
    Walk,
    Walker,
    start,
)

LOOKED_EVERY = 16
AT_ONCE = timedelta(seconds=1)
OVER = (Stop.COMPLETED, Stop.FAILED)


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
    _effects: Effects = field(init=False)
    _mails: Mapping[int, QuickMail] = field(default_factory=dict[int, QuickMail])
    _mail_steps: frozenset[int] = frozenset()
    _missing: dict[str, None] = field(default_factory=dict[str, None])
    _clock_asked: bool = False

    def __post_init__(self) -> None:
        self.templates = Templates(clock=self._clock)
        self._effects = Effects(self.world, self.watcher)
        if self.world.quick is not None:
            self._mails = self.world.quick(self.graph)
            self._mail_steps = frozenset(node.index for node in self.graph.nodes if isinstance(node.step, EmailStep))

    def run(self, contacts: Sequence[Contact]) -> None:
        """Raises SimulationTooLargeError when `spent` says so."""
        arrivals = {contact.number: contact for contact in contacts}
        for contact in contacts:
            self._due(contact.at, contact.number)
        with self.templates.recording() as self._missing:
            for number, known, ending in self._times():
                person = known or self._enter(arrivals[number])
                if ending:
                    self._rest(person, Walk(Stop.COMPLETED, person.state, [], reason=ending))
                elif not self._refused_again(person):
                    self._go_on(person)

    def _clock(self) -> datetime:
        self._clock_asked = True
        return self.now

    def _times(self) -> Iterator[tuple[int, Person | None, str]]:
        """Whose turn it is, the person once entered, and why the run ends when it does; until nobody is due before the
        horizon. `now` moves along."""
        while self._heap and self._heap[0][0] < self.world.horizon:
            due, turn, number, ending = heapq.heappop(self._heap)
            if turn % LOOKED_EVERY == 0 and (spent := self.world.spent()):
                raise SimulationTooLargeError(spent)
            person = self.people.get(number)
            if person is None or not person.over:
                self.now = max(self.now, due)
                yield number, person, ending

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

    def _go_on(self, person: Person) -> None:
        """Walk until the contact rests."""
        walker = Walker(self.graph, person.state, person.subject, self.now)
        rest: Walk | None = None
        while rest is None:
            before = person.state.visit
            self._missing.clear()
            rest = self._one_step(person, walker)
            self._tell(person, walker.records, before)
            walker.records.clear()
        self._rest(person, rest)

    def _tell(self, person: Person, records: Sequence[StepRecord], before: int) -> None:
        """Tell what became of a step, and of the visits that are newer than `before`."""
        state = person.state
        for record in records:
            if record.visit > before:
                before = record.visit
                self._entered(person, record.step_index)
            if record.status is not StepStatus.WAITING:
                self.watcher.record(person, record, self._missing)
            self._missing.clear()
        if state.visit > before and state.cursor < len(self.graph.nodes):
            self._entered(person, state.cursor)

    def _entered(self, person: Person, index: int) -> None:
        first = person.state.visits.get(self.graph.nodes[index].id) == 1
        self.watcher.entered(person, index, self.now, first=first)

    def _one_step(self, person: Person, walker: Walker) -> Walk | None:
        """Why the contact rests, None when it goes on."""
        effect = self._mail(person, walker)
        if effect is None:
            self._clock_asked = False
            rest = walker.step()
            if rest is None or rest.effect is None:
                return rest
            effect = rest.effect
            self._remember(person, effect)
        settled = walker.settle(effect.node, self._effects.result(person, effect, self.now), effect)
        if settled is not None and settled.stop is Stop.RETRY and person.state.attempt >= MAX_ATTEMPTS:
            message = f"{settled.message} Given up after {MAX_ATTEMPTS} attempts."
            return walker.settle(effect.node, Outcome(OutcomeKind.FAILED, code=settled.code, message=message), effect)
        return settled

    def _mail(self, person: Person, walker: Walker) -> Effect | None:
        """The mail of the current step, not composed; None when the step itself has to be asked."""
        state = person.state
        if state.cursor not in self._mail_steps:
            return None
        node = self.graph.nodes[state.cursor]
        seen = person.seen if person.seen_visit == state.visit else None
        if seen is None:
            quick = self._mails.get(node.index)
            seen = quick.look(state.bag, person.contact.enrollment_id) if quick is not None else None
        if seen is None or not self._open(person, node):
            self._missing.clear()  # the step says for itself what it finds missing
            return None
        person.seen_visit, person.seen = state.visit, seen
        self._missing.update(dict.fromkeys(seen.missing))
        return Effect(node, lean(seen, node.config), walker.context(node))

    def _remember(self, person: Person, effect: Effect) -> None:
        """A mail that was composed without asking the clock is the same at any other time."""
        recipient = effect.prepared.recipient
        if recipient is not None and not self._clock_asked and effect.node.index in self._mail_steps:
            sender = str(effect.prepared.summary.get("from") or "")
            person.seen_visit, person.seen = person.state.visit, Seen(recipient, sender, tuple(self._missing))

    def _open(self, person: Person, node: Node) -> bool:
        """Whether a mail of this step may go out, as far as the contact's data, the step and the time are concerned."""
        state, window = person.state, node.config.send_window
        if state.visits.get(node.id, 0) > MAX_VISITS:
            return False
        if self.graph.exits and ended_by(self.graph.exits, state.bag, self.now) is not None:
            return False
        zones = person.subject.timezone, self.world.organization_timezone
        return window is None or window.opens(self.now, *zones) <= self.now

    def _refused_again(self, person: Person) -> bool:
        """Whether a mail that waits for its turn is put off once more; nothing else happens then."""
        visit, mail = person.state.visit, person.mail
        if mail is None or mail.visit != visit or person.seen_visit != visit or person.admitted_visit == visit:
            return False
        if not self._open(person, self.graph.nodes[person.state.cursor]):
            return False
        refusal = self._effects.ask(person, mail, self.now)
        if refusal is not None:
            self._due_after(refusal.at, person.contact.number)
        return refusal is not None

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
            self._due_after(walk.until, number)

    def _due_after(self, until: datetime, number: int) -> None:
        self._due(until if until > self.now else self.now + AT_ONCE, number)
