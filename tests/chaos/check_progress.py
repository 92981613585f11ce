"""Checks of the enrollments themselves: none lost, in order, by one worker at a time, counted right."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from tests.chaos.evidence import Change, EnrollmentRow, Entry, Evidence, Plan
from tests.chaos.presence import Span

FINAL_MAIL = {"completed": "sent", "unknown": "unknown", "failed": "failed"}
PUT_OFF_SECONDS = 600.0  # what retries, freezes and respreads may add to a plan's longest wait


def nobody_lost(evidence: Evidence) -> Iterator[str]:
    """Every accepted enrollment ended, is due at some time, is held, or waits for something that has a name."""
    for accepted in evidence.promises.accepted:
        row = evidence.rows.get(accepted.enrollment_id)
        if row is not None and not _has_a_future(row):
            yield f"enrollment {row.id} stands on {row.step_id} with nothing that would ever move it"


def _has_a_future(row: EnrollmentRow) -> bool:
    waits_for_somebody = row.next_run_at is None and row.wait_reason is not None
    asked = row.wait_reason == "outcome_unknown"
    return row.ended or row.held or row.claimable_at is not None or waits_for_somebody or asked


def order(evidence: Evidence) -> Iterator[str]:
    """Each visit ends once, and the steps follow the version the enrollment is pinned to, or was carried to."""
    for row in evidence.snapshot.enrollments:
        entries = _settled(row, evidence)
        visits = [entry.visit for entry in entries if entry.final]
        if visits != sorted(set(visits)):
            yield f"enrollment {row.id} ended its visits in the order {visits}"
        else:
            yield from _walked(row, entries, evidence)
    yield from _children(evidence)


def _settled(row: EnrollmentRow, evidence: Evidence) -> list[Entry]:
    """Without the attempts, and without the failures that somebody had begun again."""
    entries = [entry for entry in evidence.timelines.get(row.id, ()) if entry.final or entry.moved]
    if row.id not in evidence.promises.retried:
        return entries
    later = {entry.visit: number for number, entry in enumerate(entries) if entry.final}
    again = row.status not in {"failed", "cancelled"} and row.visit
    return [
        entry
        for number, entry in enumerate(entries)
        if entry.status != "failed" or (later[entry.visit] == number and entry.visit != again)
    ]


def _walked(row: EnrollmentRow, entries: Sequence[Entry], evidence: Evidence) -> Iterator[str]:
    first = next((entry.from_version for entry in entries if entry.moved), row.version)
    plan, place = _plan(row, first, evidence), 0
    for entry in entries:
        if plan is None:
            return
        if entry.moved:
            if entry.to_step is None:
                return
            plan = _plan(row, entry.to_version, evidence)
            place = plan.steps.index(entry.to_step) if plan else 0
            continue
        expected = plan.steps[place] if place < len(plan.steps) else "the end"
        if entry.step_id != expected:
            yield f"enrollment {row.id} went to {entry.step_id} where its version has {expected}"
            return
        place += 1
    if plan is not None and row.status == "completed" and place != len(plan.steps):
        yield f"enrollment {row.id} completed before {plan.steps[place]} of {plan.steps}"


def _plan(row: EnrollmentRow, version: int | None, evidence: Evidence) -> Plan | None:
    return evidence.promises.plans.get((row.workflow_id, version or row.version))


def _children(evidence: Evidence) -> Iterator[str]:
    """A step that enrolls makes one run of the other workflow in the very commit that completes it."""
    runs = Counter((row.token, row.workflow_id) for row in evidence.snapshot.enrollments)
    for row in evidence.snapshot.enrollments:
        plan = evidence.plan(row)
        for step_id, workflow_id in plan.enrolls.items() if plan else ():
            entries = evidence.timelines.get(row.id, ())
            done = sum(entry.step_id == step_id and entry.status == "completed" for entry in entries)
            if runs[row.token, workflow_id] != done:
                made = runs[row.token, workflow_id]
                yield f"step {step_id} of {row.token} completed {done} times and made {made} runs"


def old_fences(evidence: Evidence) -> Iterator[str]:
    """The fence rises with every claim and every progress, and only the one that claimed it last makes progress."""
    for enrollment_id, changes in evidence.histories():
        holder: str | None = None
        for change in changes:
            stays = change.fence == change.fence_before and (change.by_worker or holder is not None)
            if change.fence < change.fence_before or (change.progressed and stays):
                yield f"enrollment {enrollment_id}: {change.by} moved the fence {change.fence_before} -> {change.fence}"
            if change.progressed and change.by_worker and change.by != holder and not change.told:
                yield f"enrollment {enrollment_id}: {change.by} wrote progress while {holder or 'nobody'} had it"
            holder = change.holder_after(holder)


def one_at_a_time(evidence: Evidence) -> Iterator[str]:
    """Nobody claims what another has a living lease on."""
    for enrollment_id, changes in evidence.histories():
        holder: str | None = None
        for change in changes:
            lease = change.claimable_before
            if change.is_claim and holder is not None and lease is not None and change.began < lease:
                yield f"enrollment {enrollment_id}: {change.by} took it while {holder} had it until {lease}"
            holder = change.holder_after(holder)


def backlog_drains(evidence: Evidence) -> Iterator[str]:
    limit = evidence.snapshot.now - timedelta(seconds=evidence.patience)
    for row in evidence.snapshot.enrollments:
        if row.status == "active" and row.claimable_at is not None and row.claimable_at < limit:
            yield f"enrollment {row.id} is due since {row.claimable_at} and nobody took it"
    for row in evidence.snapshot.enrollments:
        plan = evidence.plan(row)
        if row.status != "active" or row.next_run_at is None or plan is None:
            continue
        latest = evidence.snapshot.now + timedelta(seconds=plan.longest + PUT_OFF_SECONDS)
        if row.next_run_at > latest:
            yield f"enrollment {row.id} is put off until {row.next_run_at}, and its steps wait {plan.longest} s at most"


def promises_kept(evidence: Evidence) -> Iterator[str]:
    for accepted in evidence.promises.accepted:
        row = evidence.rows.get(accepted.enrollment_id)
        if row is None:
            yield f"enrollment {accepted.enrollment_id} was accepted and does not exist"
        elif (row.token, row.organization_id) != (accepted.token, accepted.organization_id):
            yield f"enrollment {row.id} is not what was accepted"
        elif row.version != accepted.version and row.workflow_id not in evidence.promises.migrated:
            yield f"enrollment {row.id} was accepted on version {accepted.version} and is on {row.version}"
    for workflow_id, version in evidence.promises.plans:
        if (workflow_id, version) not in evidence.snapshot.versions:
            yield f"version {version} of workflow {workflow_id} was accepted and does not exist"
    for stop in evidence.promises.stopped:
        row = evidence.rows.get(stop.enrollment_id)
        if stop.kind == "delete" and (row is None or row.deleted_at is None):
            yield f"the removal of enrollment {stop.enrollment_id} was accepted and is gone"
        if stop.kind == "cancel" and (row is None or row.status != "cancelled"):
            yield f"the cancellation of enrollment {stop.enrollment_id} was accepted and is gone"
        if stop.kind == "unsubscribe" and (stop.organization_id, stop.token) not in evidence.snapshot.suppressed:
            yield f"the unsubscribe of {stop.token} was accepted and is gone"


def counters(evidence: Evidence) -> Iterator[str]:
    """What is kept as a number equals a recount, and what a mail's delivery says is what the timeline says."""
    snapshot = evidence.snapshot
    for key in sorted({*snapshot.counted, *snapshot.recounted}):
        if snapshot.counted.get(key, 0) != snapshot.recounted.get(key, 0):
            yield f"{key} counts {snapshot.counted.get(key, 0)} enrollments, there are {snapshot.recounted.get(key, 0)}"
    told = {(entry.enrollment_id, entry.visit): entry.status for entry in snapshot.entries if entry.kind == "email"}
    yield from _deliveries(evidence, told)


def _deliveries(evidence: Evidence, told: dict[tuple[int, int], str]) -> Iterator[str]:
    known = {(one.enrollment_id, one.visit): one.status for one in evidence.snapshot.deliveries}
    for key, status in told.items():
        expected = FINAL_MAIL.get(status)
        found = known.get(key)
        late = (expected, found) == ("unknown", "sent")  # the answer came to a worker that had lost the enrollment
        if expected in {"sent", "unknown"} and found != expected and not late:
            yield f"mail {key} is {status} on the timeline and {found} as a delivery"


def taken_over(changes: Sequence[Change], deaths: dict[str, float]) -> Iterator[Span]:
    """From the death of a holder to the next claim of what it held, in seconds since 1970. `deaths`: life -> when.

    What a hold took from it is not among them: that is nobody's, and is claimed when the hold is lifted.
    """
    holder: str | None = None
    for change in changes:
        if change.is_claim and holder in deaths:
            yield deaths[holder], change.began.timestamp()
        holder = change.holder_after(holder)
