"""What becomes of an intent whose worker never told the result: known from the delivery, repeatable, or unknown."""

from typing import TypeAlias

from drippulse.enrollments.commit import MailResult
from drippulse.enrollments.effects import REPEATABLE, settle
from drippulse.enrollments.state import MAIL_STATUS, UNKNOWN, Run, walk_state
from drippulse.workflows.steps.base import Advance, Outcome, OutcomeKind, Services
from drippulse.workflows.walk import Effect, Stop, Walk, advance, resume_with

RecordedOutcomes: TypeAlias = dict[tuple[int, int], tuple[str, str]]

KINDS = {status: kind for kind, status in MAIL_STATUS.items()}
SKIP_STEP = "skip_step"
"""Member of a signal: why the current step is passed over."""
TEXT = "The worker stopped between beginning this and knowing its result."


def recover(run: Run, recorded: tuple[str, str] | None, services: Services) -> Walk | None:
    """How to go on with an open intent; None when the step may simply run again.

    Args:
        recorded: status and answer of the mail's delivery, where a worker that had lost the enrollment (to a pause, a
            cancellation, another worker) still wrote down what came of its call.

    The step is not prepared again to decide this: by now its window may be closed or its condition false, which says
    nothing about the call that was begun.
    """
    kind = KINDS.get(recorded[0]) if recorded else None
    if recorded and (kind is OutcomeKind.DONE or kind is OutcomeKind.FAILED):
        outcome = Outcome(kind, output={"response": recorded[1]}, code="smtp_refused", message=recorded[1])
        return settle(run, _here(run), None, outcome, run.claimed.now)
    if kind is OutcomeKind.RETRY:
        return None
    return _unknown(run, services)


def decided(run: Run) -> Walk | None:
    """How to go on where somebody decided that the current step is not made (again); None when nobody did."""
    reason = (run.subject.signal or {}).get(SKIP_STEP)
    if reason is None:
        return None
    return resume_with(run.graph, walk_state(run), run.subject, run.claimed.now, Advance(skipped=str(reason)))


def _unknown(run: Run, services: Services) -> Walk | None:
    node = run.graph.nodes[run.claimed.step_index]
    if not node.effect:
        return None
    effect = _prepared(run)
    guarantee = node.step.guarantee_of(effect.prepared, services) if effect else node.step.guarantee
    choice = effect.prepared.on_unknown if effect else getattr(node.config, "on_unknown", "skip")
    if guarantee in REPEATABLE:
        return None
    run.results.append(MailResult(run.claimed.visit, MAIL_STATUS[OutcomeKind.UNKNOWN], TEXT))
    if choice == "ask" and effect is None:
        return Walk(Stop.ASK, walk_state(run), [], code=UNKNOWN, message=TEXT)
    if choice == "resend" and effect is None:
        return None
    outcome = Outcome(OutcomeKind.UNKNOWN, code=UNKNOWN, message=TEXT)
    return settle(run, _here(run), effect, outcome, run.claimed.now)


def _prepared(run: Run) -> Effect | None:
    """The effect as it would be made now, for its summary and its guarantee; None when it would not be made now."""
    walk = advance(run.graph, walk_state(run), run.subject, run.claimed.now)
    same = walk.stop is Stop.EFFECT and walk.state.visit == run.claimed.visit
    return walk.effect if same else None


def _here(run: Run) -> Walk:
    return Walk(Stop.EFFECT, walk_state(run), [])
