"""Checks of what enrollments bring about inside: records, decisions, events, and the figures that are shown of it."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.evidence import EnrollmentRow, Entry, Evidence, Sent

DECISIONS = ("approved", "rejected")


def funnel(evidence: Evidence) -> Iterator[str]:
    """The step funnel and the totals that the product answers are what a recount of the enrollments gives."""
    totals: Counter[tuple[int, str]] = Counter()
    standing: Counter[tuple[int, str]] = Counter()
    for row in evidence.snapshot.enrollments:
        if row.deleted_at is None:
            totals[row.workflow_id, row.status] += 1
            standing[row.workflow_id, row.step_id] += row.status == "active"
    for told in evidence.snapshot.funnels:
        for status, number in told.totals.items():
            there = sum(n for (workflow_id, _), n in totals.items() if workflow_id == told.workflow_id)
            there = there if status == "total_enrollments" else totals[told.workflow_id, status]
            if number != there:
                yield f"workflow {told.workflow_id} says {number} {status}, there are {there}"
        here = {step for workflow_id, step in standing if workflow_id == told.workflow_id}
        for step in sorted({*here, *told.steps}):
            said, there = told.steps.get(step, 0), standing[told.workflow_id, step]
            if said != there:
                yield f"workflow {told.workflow_id} says {said} on step {step}, there are {there}"


def written_once(evidence: Evidence) -> Iterator[str]:
    """What a step writes into the CRM is there as often as the step was completed, in the same commit."""
    wanted: Counter[tuple[str, str]] = Counter()
    for row in evidence.snapshot.enrollments:
        for entry in evidence.timelines.get(row.id, ()):
            if entry.kind == "crm" and entry.status == "completed":
                wanted[row.token, _write_of(evidence, row, entry)] += 1
    there = {(one.token, one.step): one.times for one in evidence.snapshot.written}
    for token, write in sorted({*wanted, *there}):
        if wanted[token, write] != there.get((token, write), 0):
            times = there.get((token, write), 0)
            yield f"{write} for {token} was completed {wanted[token, write]} times and written {times} times"


def _write_of(evidence: Evidence, row: EnrollmentRow, entry: Entry) -> str:
    plan = evidence.plan(row)
    return plan.writes.get(entry.step_id, "") if plan else ""


def decided_once(evidence: Evidence) -> Iterator[str]:
    """One decision for each approval: the one that was answered is the one that is kept, reported and followed."""
    snapshot = evidence.snapshot
    kept = {row.id: row.status for row in snapshot.approvals}
    answered: dict[int, list[str]] = {}
    for one in evidence.promises.decided:
        answered.setdefault(one.approval_id, []).append(one.status)
    for approval_id, statuses in answered.items():
        if statuses != [kept.get(approval_id)]:
            yield f"approval {approval_id} was answered {', '.join(statuses)} and is {kept.get(approval_id)}"
    followed = {(entry.enrollment_id, entry.visit): entry for entry in snapshot.entries if entry.kind == "approval"}
    for row in snapshot.approvals:
        if row.reports != (row.status in DECISIONS):
            yield f"approval {row.id} is {row.status}, and the log tells {row.reports} times that it was decided"
        entry = followed.get((row.enrollment_id, row.visit))
        if entry and entry.status == "completed" and entry.decision != row.status:
            yield f"approval {row.id} is {row.status}, and its run went on as {entry.decision}"


def events_once(evidence: Evidence) -> Iterator[str]:
    """An event that was accepted is in the log once; it starts one run, or ends the wait that it came in time for."""
    log, runs = evidence.snapshot.events, _runs(evidence)
    for sent in evidence.promises.sent:
        there = log.get((sent.organization_id, sent.kind, sent.token), 0)
        if there != 1:
            yield f"the event {sent.kind} of {sent.token} was accepted and is {there} times in the log"
        yield from _missed(sent, evidence)
    for (organization_id, kind, token), number in log.items():
        workflow_id = evidence.promises.started.get((organization_id, kind))
        if workflow_id is not None and runs[token, workflow_id] != number:
            yield f"{number} events {kind} of {token} started {runs[token, workflow_id]} runs"


def _missed(sent: Sent, evidence: Evidence) -> Iterator[str]:
    for row in evidence.tokens.get(sent.token, ()):
        plan = evidence.plan(row)
        for entry in evidence.timelines.get(row.id, ()):
            kind, patience = plan.listens.get(entry.step_id, ("", 0.0)) if plan else ("", 0.0)
            if kind != sent.kind or entry.status != "completed" or entry.event_id is not None:
                continue
            if sent.at < entry.finished_at.timestamp():
                yield f"enrollment {row.id} gave up on {kind}, which had been accepted by then"
            if (entry.finished_at - entry.started_at).total_seconds() < patience:
                yield f"enrollment {row.id} gave up on {kind} before its time"


def started_once(evidence: Evidence) -> Iterator[str]:
    """Nobody has two runs of a workflow: each token is enrolled once, also by a call that is repeated under its key."""
    for (token, workflow_id), number in _runs(evidence).items():
        if number > 1:
            yield f"{token} has {number} runs of workflow {workflow_id} and was enrolled once"


def _runs(evidence: Evidence) -> Counter[tuple[str, int]]:
    return Counter((row.token, row.workflow_id) for row in evidence.snapshot.enrollments)
