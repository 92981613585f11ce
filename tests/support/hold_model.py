"""What lifting a hold does to runs, as plain arithmetic: the oracle for the statement that does it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from drippulse.enrollments.holding import Clock, Late, ResumePolicy


@dataclass(frozen=True)
class HeldRun:
    """The columns that a release looks at or changes. `signal` is only whether there is one."""

    id: int
    holds: int
    held_at: datetime | None
    next_run_at: datetime | None
    step_entered_at: datetime
    intent_at: datetime | None = None
    signal: bool = False
    claimable_at: datetime | None = None
    skips_sends: bool = False


def released(runs: Sequence[HeldRun], flag: int, policy: ResumePolicy, now: datetime) -> list[HeldRun]:
    """The runs as they are after their hold `flag` was lifted at `now`, by id."""
    lifted = [_lift(run, flag, policy, now) for run in runs]
    late = sorted(
        (run for run in lifted if run.holds == 0 and run.next_run_at is not None and run.next_run_at <= now),
        key=lambda run: (run.next_run_at or now, run.id),
    )
    changed = {run.id: _be_late(run, place, policy, now) for place, run in enumerate(late)}
    return [_free(changed.get(run.id, run)) for run in lifted]


def _lift(run: HeldRun, flag: int, policy: ResumePolicy, now: datetime) -> HeldRun:
    left = run.holds & ~flag
    if left:
        return replace(run, holds=left)
    shift = timedelta(0)
    if policy.clock is Clock.FREEZE and not run.signal and run.held_at is not None:
        shift = now - run.held_at
    due = None if run.next_run_at is None else run.next_run_at + shift
    return replace(run, holds=0, held_at=None, next_run_at=due, step_entered_at=run.step_entered_at + shift)


def _be_late(run: HeldRun, place: int, policy: ResumePolicy, now: datetime) -> HeldRun:
    assert run.next_run_at is not None
    if policy.late is Late.SKIP:
        return replace(run, skips_sends=run.next_run_at < now - timedelta(hours=policy.late_hours))
    if policy.late is Late.RESPREAD and policy.rate_per_minute:
        return replace(run, next_run_at=now + place * timedelta(minutes=1 / policy.rate_per_minute))
    return run


def _free(run: HeldRun) -> HeldRun:
    if run.holds or run.next_run_at is None:
        return replace(run, claimable_at=None)
    patience = run.intent_at + timedelta(seconds=150) if run.intent_at else run.next_run_at
    return replace(run, claimable_at=max(run.next_run_at, patience))
