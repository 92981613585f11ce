"""What becomes of effects in a simulation: nothing is sent, written or asked. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drippulse.enrollments.admission import ON_THE_LIST
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.errors import DomainError
from drippulse.workflows.simulation.caps import Mail, Refusal
from drippulse.workflows.simulation.values import Person, Watcher, World
from drippulse.workflows.simulation.waiting import WAITS, Visited
from drippulse.workflows.steps.base import Advance, Decision, Outcome, OutcomeKind, WaitUntil
from drippulse.workflows.walk import Effect


@dataclass(frozen=True, slots=True)
class Effects:
    """The world's answers to one run."""

    world: World
    watcher: Watcher

    def result(self, person: Person, effect: Effect, now: datetime) -> Outcome | Decision:
        """What becomes of an effect: the model's word, or the rehearsal that `/test` shows."""
        visited = WAITS.get(effect.node.type)
        if visited is not None:
            try:
                return _wait(person, visited(effect, person.contact.number, self.world.lots), now)
            except DomainError as error:
                return Outcome(OutcomeKind.FAILED, code=error.error_code, message=error.message)
        if effect.prepared.recipient is not None:
            refusal = self._last_look(person, effect, effect.prepared.recipient, now)
            if refusal is not None:
                return refusal
        outcome = self.world.lots.call(effect, person.contact.number)
        if effect.prepared.recipient is not None and (outcome is None or outcome.kind is OutcomeKind.DONE):
            late = now - person.late_since if person.late_since else timedelta(0)
            self.watcher.sent(person, effect.node.index, now, late)
        if outcome is not None:
            return outcome
        rehearsal = effect.node.step.rehearse(effect.prepared, effect.ctx)
        return Advance(output=rehearsal.output, logs=rehearsal.logs)

    def _last_look(self, person: Person, effect: Effect, recipient: str, now: datetime) -> Decision | None:
        """Suppression and caps, as before a real mail; a further attempt of a mail is not asked again."""
        if person.admitted_visit == person.state.visit:
            return None
        if same_mailbox_key(recipient) in self.world.suppressed:
            self.watcher.suppressed(effect.node.index)
            return ON_THE_LIST
        if person.mail is None or person.mail.visit != person.state.visit:
            person.late_since, person.rules = None, set()
        sender = str(effect.prepared.summary.get("from") or "")
        number, zone = person.contact.enrollment_id, person.subject.timezone
        person.mail = Mail(number, person.state.visit, recipient, sender, zone)
        refusal = self.ask(person, person.mail, now)
        return refusal and WaitUntil(at=refusal.at, reason=refusal.reason)

    def ask(self, person: Person, mail: Mail, now: datetime) -> Refusal | None:
        """Whether caps and quiet hours let the mail of the current visit out; once they do, it counts."""
        refusal = self.world.admission.admit(mail, now)
        if refusal is None:
            person.admitted_visit = mail.visit
            return None
        person.late_since = person.late_since or now
        for rule in refusal.rules:
            self.watcher.refused(rule, first=rule not in person.rules)
            person.rules.add(rule)
        return refusal


def _wait(person: Person, visited: Visited, now: datetime) -> Decision:
    """What a step that waits for somebody does now: the answer is drawn when it is asked for the first time."""
    if person.asked_visit != person.state.visit:
        person.asked_visit, person.answer = person.state.visit, visited.ask(now)
    answer, ends = person.answer, visited.ends_at
    if answer is not None and (ends is None or answer.at < ends):
        return visited.answered(answer) if answer.at <= now else WaitUntil(answer.at, visited.reason)
    if ends is not None and ends <= now:
        return visited.timed_out(now)
    return WaitUntil(ends, visited.reason)
