"""Checks of what reached the outside: how often, when, to whom."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from tests.chaos.evidence import Arrival, Effect, EnrollmentRow, Evidence, Stopped

EFFECT_OF_STEP = {
    "email": Effect.AT_MOST_ONCE,
    "integration_action": Effect.KEYED,
    "webhook_callback": Effect.AT_LEAST_ONCE,
}


def at_most_once(evidence: Evidence) -> Iterator[str]:
    for (token, step), arrivals in evidence.of(Effect.AT_MOST_ONCE).items():
        if len(arrivals) > 1:
            keys = ", ".join(sorted({arrival.key for arrival in arrivals}))
            yield f"the mail of step {step} reached {token} {len(arrivals)} times ({keys})"


def keyed_once(evidence: Evidence) -> Iterator[str]:
    """The provider applies each key once, so a step visit with two keys has two effects."""
    yield from _one_key(evidence, Effect.KEYED)
    yield from _completed_and_absent(evidence, Effect.KEYED)


def at_least_once(evidence: Evidence) -> Iterator[str]:
    yield from _one_key(evidence, Effect.AT_LEAST_ONCE)
    yield from _completed_and_absent(evidence, Effect.AT_LEAST_ONCE)


def _one_key(evidence: Evidence, effect: Effect) -> Iterator[str]:
    for (token, step), arrivals in evidence.of(effect).items():
        keys = {arrival.key for arrival in arrivals}
        if len(keys) > 1:
            yield f"step {step} of {token} called with {len(keys)} keys: {', '.join(sorted(keys))}"


def _completed_and_absent(evidence: Evidence, effect: Effect) -> Iterator[str]:
    arrived = evidence.of(effect).keys()
    for row in evidence.snapshot.enrollments:
        for entry in evidence.timelines.get(row.id, ()):
            wanted = EFFECT_OF_STEP.get(entry.kind) is effect and entry.status == "completed"
            if wanted and (row.token, entry.step_id) not in arrived:
                yield f"step {entry.step_id} of {row.token} counts as completed and nothing arrived"


def never_early(evidence: Evidence) -> Iterator[str]:
    """No effect before the waits in front of it are over, and no idle row is taken before it is due."""
    by_token = {(row.token, row.workflow_id): row for row in evidence.snapshot.enrollments}
    for arrival in evidence.arrivals:
        told = evidence.rows.get(arrival.enrollment_id)
        row = by_token.get((arrival.token, told.workflow_id)) if told else None
        plan = evidence.plan(row) if row else None
        if row is None or plan is None or arrival.step not in plan.steps:
            continue
        ahead = row.created_at.timestamp() + plan.earliest(arrival.step) - arrival.at
        if ahead > 0:
            yield f"step {arrival.step} reached {arrival.token} {ahead:.3f} s too early"
    for enrollment_id, changes in evidence.histories():
        holder: str | None = None
        for change in changes:
            due = change.claimable_before
            if change.is_claim and holder is None and (due is None or change.began < due):
                yield f"enrollment {enrollment_id} was taken at {change.began}, due {due}"
            holder = change.holder_after(holder)


def nothing_after_a_stop(evidence: Evidence) -> Iterator[str]:
    """No intent whose transaction began after the stop was answered. What was in a call by then may still arrive."""
    begun = _intents(evidence)
    moments = [at for at, _, _ in begun]
    rows, steps = evidence.rows, _steps(evidence)
    for stop in evidence.promises.stopped:
        for at, enrollment_id, visit in begun[bisect_right(moments, stop.at) : bisect_left(moments, stop.until)]:
            row = rows.get(enrollment_id)
            if row and _concerns(stop, row, steps.get((enrollment_id, visit))):
                yield f"enrollment {enrollment_id} began an effect {at - stop.at:.3f} s after its {stop.kind}"


def _intents(evidence: Evidence) -> list[tuple[float, int, int]]:
    """(when, enrollment, visit) of each, in order of time."""
    return sorted(
        (change.began.timestamp(), change.enrollment_id, change.visit)
        for change in evidence.snapshot.changes
        if change.is_intent
    )


def _steps(evidence: Evidence) -> dict[tuple[int, int], tuple[str, bool]]:
    """(enrollment, visit) -> the step, and whether it sends a mail."""
    steps = {(row.id, row.visit): (row.step_id, False) for row in evidence.snapshot.enrollments}
    steps |= {(one.enrollment_id, one.visit): (one.step_id, False) for one in evidence.snapshot.entries}
    return steps | {(one.enrollment_id, one.visit): (one.step_id, True) for one in evidence.snapshot.deliveries}


def _concerns(stop: Stopped, row: EnrollmentRow, visited: tuple[str, bool] | None) -> bool:
    """Whether an effect of this visit must not begin after the stop."""
    step_id, mails = visited or ("", False)
    if stop.kind == "unsubscribe":
        return row.token == stop.token and mails
    if stop.enrollment_id:
        return row.id == stop.enrollment_id
    if stop.step_id:
        return (row.workflow_id, step_id) == (stop.workflow_id, stop.step_id)
    if stop.workflow_id:
        return row.workflow_id == stop.workflow_id
    return row.organization_id == stop.organization_id


def tenants_apart(evidence: Evidence) -> Iterator[str]:
    for arrival in evidence.arrivals:
        if problem := _mixed(arrival, evidence):
            yield problem
    for row in evidence.snapshot.enrollments:
        if row.organization_id != row.workflow_organization_id:
            yield f"enrollment {row.id} of organization {row.organization_id} is in a workflow of another"
    if evidence.snapshot.foreign:
        yield f"sessions of one organization see {evidence.snapshot.foreign} rows of others"


def _mixed(arrival: Arrival, evidence: Evidence) -> str | None:
    owner = evidence.promises.owners.get(arrival.token)
    row = evidence.rows.get(arrival.enrollment_id)
    if owner is None or owner != arrival.organization_id:
        return f"{arrival.key} of organization {arrival.organization_id} tells of {arrival.token}, who is of {owner}"
    if arrival.addressee != arrival.token:
        return f"{arrival.key} about {arrival.token} went to {arrival.addressee}"
    if row is not None and row.token != arrival.token:
        return f"{arrival.key} tells of {arrival.token}, and the enrollment is of {row.token}"
    return None
