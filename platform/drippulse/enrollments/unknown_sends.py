"""Mails of which nobody knows whether they arrived: shown, counted, sent again or let be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from drippulse.enrollments import control
from drippulse.enrollments import unknown_queries as sql
from drippulse.enrollments.actions import Action
from drippulse.enrollments.control import RESULTS_SHOWN, Order, Transaction
from drippulse.enrollments.errors import WorkflowArchivedError
from drippulse.enrollments.hold_locks import holds_stay
from drippulse.enrollments.tables import EnrollmentStatus
from drippulse.enrollments.unknown_schemas import Decision, ResolveUnknown
from drippulse.events import service as events
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import PageRequest, encode_cursor, order_by
from drippulse.organizations.policy import Principal
from drippulse.workflows.service import require_workflow
from drippulse.workflows.tables import WorkflowStatus

CHUNK = 1_000
LIST_LIMIT = 500
SORTS = {"created_at": "d.id", "since": "d.updated_at", "recipient": "d.recipient"}
SUPPRESSED = "SELECT email FROM suppression WHERE organization_id = $1 AND email = ANY ($2::text[])"
ACTIONS = {Decision.RESEND: Action.RESEND, Decision.DISMISS: Action.SKIP}
EVENTS = {Decision.RESEND: "email.resend_ordered", Decision.DISMISS: "email.dismissed"}


class Left(StrEnum):
    """Why a mail is left as it is."""

    GONE = "delivery_not_found"
    KNOWN = "outcome_known"
    BEING_SENT = "still_being_sent"
    CANCELLED = "enrollment_cancelled"
    SUPPRESSED = "suppressed"


async def list_unknown_sends(
    session: Session, principal: Principal, workflow_id: int, request: PageRequest
) -> dict[str, Any]:
    """`{unknown_sends, total_count}`, newest first. Raises NotFoundError."""
    await require_workflow(session, principal, workflow_id)
    args: list[Any] = [principal.organization_id, workflow_id]
    where = ""
    if request.before_id is not None:
        args.append(request.before_id)
        where = f" AND d.id < ${len(args)}"
    args += [request.fetch, request.offset]
    order = order_by(request.sort, SORTS, "d.id")
    statement = f"{sql.PAGE}{where} ORDER BY {order} LIMIT ${len(args) - 1} OFFSET ${len(args)}"
    rows = await session.fetch(statement, *args)
    more = request.limit is not None and len(rows) > request.limit
    rows = rows[: request.limit]
    answer: dict[str, Any] = {
        "unknown_sends": [_present(row) for row in rows],
        "total_count": await count(session, principal.organization_id, workflow_id),
    }
    if request.paginated:
        answer["next_cursor"] = encode_cursor(rows[-1]["id"]) if more else None
    return answer


async def count(session: Session, organization_id: int, workflow_id: int) -> int:
    """How many mails of a workflow wait for a decision."""
    return int(await session.fetchval(sql.COUNT, organization_id, workflow_id))


def _present(row: Record) -> dict[str, Any]:
    return {
        "delivery_id": row["id"],
        "enrollment_id": row["enrollment_id"],
        "enrollment_status": row["status"],
        "visit": row["visit"],
        "step_id": row["step_id"],
        "step_index": row["step_index"],
        "recipient": row["recipient"],
        "subject": row["subject"],
        "attempts": row["attempts"],
        "since": isoformat(row["since"]),
        "run_waits": row["asks"],
    }


@dataclass(slots=True)
class _Tally:
    matched: int = 0
    changed: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    results: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, outcome: dict[int, Left | None]) -> None:
        self.matched += len(outcome)
        self.changed += sum(left is None for left in outcome.values())
        self.skipped.update(left.value for left in outcome.values() if left is not None)
        self.results += [
            {"delivery_id": one, "status": "skipped" if left else "changed", "reason": left}
            for one, left in list(outcome.items())[: RESULTS_SHOWN - len(self.results)]
        ]


async def resolve(
    transaction: Transaction, principal: Principal, workflow_id: int, wanted: ResolveUnknown
) -> dict[str, Any]:
    """Decide about many, 1,000 to a transaction. When it breaks off, the same call again does the rest.

    Raises:
        NotFoundError: no such workflow.
        WorkflowArchivedError: mails of an archived workflow are not sent again.
    """
    async with transaction() as session:
        workflow = await require_workflow(session, principal, workflow_id)
        if workflow["status"] == WorkflowStatus.ARCHIVED and wanted.action is Decision.RESEND:
            raise WorkflowArchivedError
    tally = _Tally()
    named = sorted(set(wanted.delivery_ids)) if wanted.delivery_ids is not None else None
    after = 0
    while True:
        async with transaction() as session:
            ids = await _next_ids(session, principal.organization_id, workflow_id, wanted, named, after)
            if ids:
                tally.add(await _decide(session, principal, workflow_id, ids, wanted))
        if len(ids) < CHUNK:
            break
        after += CHUNK if named is not None else ids[-1] - after
    skipped = [{"reason": reason, "count": number} for reason, number in tally.skipped.most_common()]
    return {
        "action": wanted.action,
        "dry_run": wanted.dry_run,
        "matched": tally.matched,
        "changed": tally.changed,
        "skipped": skipped,
        "results": tally.results,
    }


async def _next_ids(
    session: Session,
    organization_id: int,
    workflow_id: int,
    wanted: ResolveUnknown,
    named: list[int] | None,
    after: int,
) -> list[int]:
    """The next chunk. `after` is a place among the named ones, else the last id that was looked at."""
    if named is not None:
        return named[after : after + CHUNK]
    rows = await session.fetch(sql.MATCHING, organization_id, workflow_id, after, wanted.step_id, CHUNK)
    return [row["id"] for row in rows]


async def _decide(
    session: Session, principal: Principal, workflow_id: int, ids: Sequence[int], wanted: ResolveUnknown
) -> dict[int, Left | None]:
    keys = (principal.organization_id, workflow_id, [one for one in ids if is_id(one)])
    if not wanted.dry_run:
        await holds_stay(session, principal.organization_id, workflow_id)
        await session.execute(sql.LOCK_RUNS, *keys)
        await session.execute(sql.LOCK_MAILS, *keys)
    rows = await session.fetch(sql.LOOK, *keys)
    suppressed = await _suppressed(session, principal, rows) if wanted.action is Decision.RESEND else set[str]()
    outcome: dict[int, Left | None] = dict.fromkeys(ids, Left.GONE)
    outcome |= {row["id"]: _left(row, wanted.action, suppressed) for row in rows}
    chosen = [row for row in rows if outcome[row["id"]] is None]
    if chosen and not wanted.dry_run:
        await _carry_out(session, principal, workflow_id, chosen, wanted.action)
    return outcome


def _left(row: Record, action: Decision, suppressed: set[str]) -> Left | None:
    if row["removed"]:
        return Left.GONE
    if row["status"] != "unknown":
        return Left.KNOWN
    if row["on_its_way"] or (row["stands"] and not row["asks"]):
        return Left.BEING_SENT
    if action is Decision.DISMISS:
        return None
    if row["run_status"] == EnrollmentStatus.CANCELLED:
        return Left.CANCELLED
    return Left.SUPPRESSED if same_mailbox_key(row["recipient"]) in suppressed else None


async def _suppressed(session: Session, principal: Principal, rows: Sequence[Record]) -> set[str]:
    keys = [same_mailbox_key(row["recipient"]) for row in rows]
    found = await session.fetch(SUPPRESSED, principal.organization_id, keys)
    return {row["email"] for row in found}


async def _carry_out(
    session: Session, principal: Principal, workflow_id: int, rows: Sequence[Record], action: Decision
) -> None:
    """A run that waits on the step goes on by the decision; what others have left behind gets a run of its own."""
    organization_id = principal.organization_id
    waiting = [row["enrollment_id"] for row in rows if row["asks"]]
    ids = [row["id"] for row in rows]
    if waiting:
        await control.act(session, principal, workflow_id, waiting, Order(ACTIONS[action]))
    if action is Decision.DISMISS:
        await session.execute(sql.DISMISS, organization_id, workflow_id, ids)
    else:
        others = [row["id"] for row in rows if not row["asks"]]
        await session.execute(sql.RESEND, organization_id, workflow_id, others)
    told = [
        (
            int(row["enrollment_id"]),
            {
                "workflow_id": workflow_id,
                "delivery_id": row["id"],
                "lead_ref": row["lead_ref"],
                "email": row["recipient"],
            },
        )
        for row in rows
    ]
    await events.append_many(session, EVENTS[action], "enrollment", told, principal)
