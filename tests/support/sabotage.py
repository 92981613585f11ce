"""`python -m tests.support.sabotage NAME worker`: a worker with one of its guards taken out, for negative controls.

What a check guards against is made to happen; a check that stays silent then is no check.
"""

import sys
import uuid
from collections.abc import Callable
from typing import Any

from drippulse.approvals import queries as approvals
from drippulse.enrollments import admission, claim, commit, effects
from drippulse.events import dispatcher
from drippulse.kit.db import Session
from drippulse.workflows.steps.base import Decision, Prepared, StepContext
from drippulse.workflows.steps.crm import CrmStep
from drippulse.workflows.walk import Stop, Walk


def _replaced(sql: str, old: str, new: str) -> str:
    """A statement without its guard. Raises when the guard is not where it was."""
    if old not in sql:
        raise LookupError(f"the statement does not say {old!r} any more")
    return sql.replace(old, new)


def forget_fences() -> None:
    """A commit asks no more whether the enrollment is still its own."""
    commit.UPDATE = _replaced(commit.UPDATE, "AND e.fence = i.fence", "")


def forget_intents() -> None:
    """Calls begin without their intent committed."""
    honest = effects.Effects._write  # pyright: ignore[reportPrivateUsage] - the seam that is broken here

    async def write(self: effects.Effects, run: Any, walk: Walk, held: Any) -> Any:
        if walk.stop is Stop.EFFECT:
            return commit.Verdict.WRITTEN, None
        return await honest(self, run, walk, held)

    effects.Effects._write = write  # pyright: ignore[reportPrivateUsage]


def forget_suppression() -> None:
    """The last look before a mail sees nobody on the list."""
    admission.SUPPRESSED = _replaced(admission.SUPPRESSED, "AND s.email = i.email", "AND false")


def ignore_leases() -> None:
    """Whatever is active can be claimed, leased or not."""
    for guard in ("WHERE due_at <= now()", "e.claimable_at <= now()"):
        claim.CLAIM = _replaced(claim.CLAIM, guard, guard.replace("now()", "now() + interval '1 h'"))


def run_ahead() -> None:
    """The clock is an hour early, for the claim and for the steps."""
    ignore_leases()
    claim.CLAIM = _replaced(claim.CLAIM, "now() AS now", "now() + interval '1 h' AS now")


def new_key_each_time() -> None:
    """Every attempt of a step visit has an idempotency key of its own."""

    def key(self: StepContext) -> str:
        return f"drippulse-{self.organization_id}-{self.enrollment_id}-{self.visit}-{uuid.uuid4().hex}"

    StepContext.idempotency_key = property(key)  # pyright: ignore[reportAttributeAccessIssue]


def write_timeline_twice() -> None:
    commit.WALKS = f"{commit.WALKS.strip()} UNION ALL {commit.WALKS.partition(')')[2].strip()}"


def rest_for_ever() -> None:
    """What comes to rest is never due again."""
    commit.UPDATE = _replaced(commit.UPDATE, "= 0 THEN i.next_run_at END", "= 0 THEN NULL::timestamptz END")


def put_off() -> None:
    """What comes to rest is due a day later than it should be."""
    commit.UPDATE = _replaced(commit.UPDATE, "next_run_at = i.next_run_at,", "next_run_at = i.next_run_at + '1 d',")
    commit.UPDATE = _replaced(commit.UPDATE, "= 0 THEN i.next_run_at END", "= 0 THEN i.next_run_at + '1 d' END")


def write_records_twice() -> None:
    """A step writes into the CRM, and then again."""
    honest = CrmStep.apply

    async def apply(self: CrmStep, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        await honest(self, prepared, ctx, session)
        return await honest(self, prepared, ctx, session)

    CrmStep.apply = apply


def lose_events() -> None:
    """The dispatcher passes over what starts a run."""
    honest = dispatcher.start_runs

    async def start_runs(session: Session, events: Any, listeners: Any) -> bool:
        return await honest(session, [], listeners)

    dispatcher.start_runs = start_runs


def decide_again() -> None:
    """An approval takes every decision."""
    approvals.DECIDE = _replaced(approvals.DECIDE, "AND a.status = 'open'", "")


def claim_nothing() -> None:
    claim.CLAIM = _replaced(claim.CLAIM, "LIMIT $1::bigint", "LIMIT 0 * $1::bigint")


SABOTAGE: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        forget_fences,
        forget_intents,
        forget_suppression,
        ignore_leases,
        run_ahead,
        new_key_each_time,
        write_timeline_twice,
        rest_for_ever,
        put_off,
        write_records_twice,
        lose_events,
        decide_again,
        claim_nothing,
    )
}


def main() -> int:
    name, command = sys.argv[1:3]
    SABOTAGE[name]()
    sys.argv = ["drippulse", command]
    from drippulse_server.cli import main as drippulse

    return int(drippulse() or 0)


if __name__ == "__main__":
    sys.exit(main())
