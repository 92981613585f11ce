"""What operators do to runs: pause, resume, cancel, retry, and decide about sends whose outcome is unknown."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from drippulse.enrollments import action_queries as sql
from drippulse.enrollments import queries
from drippulse.enrollments.actions import HARMLESS, SENTENCES, Action, Refusal, refusal
from drippulse.enrollments.control_schemas import BulkAction
from drippulse.enrollments.errors import ActionRefusedError
from drippulse.enrollments.hold_locks import holds_stay
from drippulse.enrollments.holding import AS_IT_WAS, Late, ResumePolicy, Scope, hold_where, release_where
from drippulse.enrollments.queries import Filters
from drippulse.enrollments.retrying import under_way
from drippulse.enrollments.service import check_filters
from drippulse.events import service as events
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.ids import is_id
from drippulse.organizations.policy import Principal
from drippulse.workflows.service import require_workflow

CHUNK = 5_000
LARGEST_RESPREAD = 100_000
RESULTS_SHOWN = 1_000
SKIPPED_BY_OPERATOR = "an operator decided not to do it again"
EVENTS = {Action.PAUSE: "enrollment.paused", Action.CANCEL: "enrollment.cancelled"}
RESUMED = "enrollment.resumed"

Transaction: TypeAlias = Callable[[], AbstractAsyncContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Order:
    """An action with what belongs to it: the resume policy, the reason of a cancellation."""

    action: Action
    policy: ResumePolicy = AS_IT_WAS
    reason: str = "cancelled"


async def act_on_one(
    session: Session, principal: Principal, workflow_id: int, enrollment_id: int, order: Order
) -> None:
    """Do it to one run; a run that is as wanted already stays as it is.

    Raises:
        NotFoundError: no such run in this workflow.
        ActionRefusedError: it does not fit the run's state (409); nothing is changed.
    """
    await require_workflow(session, principal, workflow_id)
    ids = [enrollment_id] if is_id(enrollment_id) else []
    outcome = await act(session, principal, workflow_id, ids, order)
    reason = outcome.get(enrollment_id, Refusal.GONE)
    if reason is Refusal.GONE:
        raise not_found("enrollment")
    if reason is not None and reason not in HARMLESS:
        raise ActionRefusedError(reason, SENTENCES[reason])


async def act(
    session: Session,
    principal: Principal,
    workflow_id: int,
    ids: Sequence[int],
    order: Order,
    *,
    dry_run: bool = False,
    first_place: int = 0,
) -> dict[int, Refusal | None]:
    """Do it to these runs of a workflow, at once; id -> None where it was changed, else why not."""
    if order.action is Action.RETRY and not dry_run:
        await holds_stay(session, principal.organization_id, workflow_id)
    look = sql.LOOK if dry_run else sql.LOCK
    rows = await session.fetch(look, principal.organization_id, workflow_id, list(ids))
    outcome = {row["id"]: refusal(order.action, row) for row in rows}
    if order.action is Action.RETRY:
        outcome |= await _not_again(session, principal.organization_id, workflow_id, rows, outcome)
    changed = [row for row in rows if outcome[row["id"]] is None]
    if changed and not dry_run:
        ended = [row for row in changed if order.action is Action.RETRY and row["exit_reason"] is not None]
        await _end(session, principal, workflow_id, ended)
        changed = [row for row in changed if order.action is not Action.RETRY or row["exit_reason"] is None]
        await _change(
            session, principal.organization_id, workflow_id, [row["id"] for row in changed], order, first_place
        )
        await _report(session, principal, workflow_id, changed, order)
    return outcome


async def _not_again(
    session: Session,
    organization_id: int,
    workflow_id: int,
    rows: Sequence[Record],
    outcome: Mapping[int, Refusal | None],
) -> dict[int, Refusal | None]:
    """Those that would be a second run of their contact."""
    again = [row for row in rows if outcome[row["id"]] is None and row["exit_reason"] is None]
    if not again:
        return {}
    return dict.fromkeys(await under_way(session, organization_id, workflow_id, again), Refusal.UNDER_WAY)


async def _end(session: Session, principal: Principal, workflow_id: int, rows: Sequence[Record]) -> None:
    """Runs that failed and have reached a goal, or met an exit criterion, since: there is nothing to begin again."""
    if not rows:
        return
    await session.execute(sql.END, principal.organization_id, workflow_id, [row["id"] for row in rows])
    data = [
        (int(row["id"]), {"workflow_id": workflow_id, "lead_ref": row["lead_ref"], "reason": row["exit_reason"]})
        for row in rows
    ]
    await events.append_many(session, "enrollment.completed", "enrollment", data, principal)


async def _change(
    session: Session, organization_id: int, workflow_id: int, ids: list[int], order: Order, first_place: int
) -> None:
    scope, keys = Scope.picked(organization_id, workflow_id, ids), (organization_id, workflow_id, ids)
    match order.action:
        case Action.PAUSE:
            await hold_where(session, scope)
        case Action.RESUME:
            await release_where(session, scope, order.policy, first_place=first_place)
        case Action.CANCEL:
            await session.execute(sql.CANCEL, *keys, order.reason)
        case Action.RETRY:
            await session.execute(sql.RETRY, *keys)
        case Action.RESEND:
            await session.execute(sql.RESOLVE, *keys, None)
        case Action.SKIP:
            await session.execute(sql.RESOLVE, *keys, SKIPPED_BY_OPERATOR)


async def _report(
    session: Session, principal: Principal, workflow_id: int, rows: Sequence[Record], order: Order
) -> None:
    reason = order.reason if order.action is Action.CANCEL else order.action.value
    data = [
        (int(row["id"]), {"workflow_id": workflow_id, "lead_ref": row["lead_ref"], "reason": reason}) for row in rows
    ]
    await events.append_many(session, EVENTS.get(order.action, RESUMED), "enrollment", data, principal)


@dataclass(slots=True)
class _Tally:
    """What a bulk action has done so far."""

    matched: int = 0
    changed: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    results: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, outcome: dict[int, Refusal | None]) -> None:
        self.matched += len(outcome)
        self.changed += sum(reason is None for reason in outcome.values())
        self.skipped.update(reason.value for reason in outcome.values() if reason is not None)
        room = RESULTS_SHOWN - len(self.results)
        self.results += [
            {"enrollment_id": one, "status": "skipped" if reason else "changed", "reason": reason}
            for one, reason in list(outcome.items())[:room]
        ]


async def act_on_many(
    transaction: Transaction, principal: Principal, workflow_id: int, wanted: BulkAction
) -> dict[str, Any]:
    """Do it to every run that the filter lets through, 5,000 to a transaction, so that nobody waits long for a lock.

    When it breaks off, what was done stays done, and the same call again finishes the rest.

    Raises:
        NotFoundError: no such workflow.
        ValidationError: an empty filter without `all`, an unknown status, too many for one respread.
    """
    filters = Filters(**wanted.filter.model_dump())
    check_filters(filters)
    if not filters.any and not wanted.all:
        sentence = 'Say which runs: give the filter at least one field, or send "all": true for every run.'
        raise ValidationError(sentence, errors={"filter": [sentence]})
    order = Order(wanted.action, wanted, wanted.reason)
    tally = _Tally()
    async with transaction() as session:
        await require_workflow(session, principal, workflow_id)
    after: int | None = 0
    while after is not None:
        async with transaction() as session:
            ids, after = await _next_ids(session, principal.organization_id, workflow_id, filters, order, after)
            outcome = await act(
                session, principal, workflow_id, ids, order, dry_run=wanted.dry_run, first_place=tally.changed
            )
        tally.add(outcome)
    skipped = [{"reason": reason, "count": count} for reason, count in tally.skipped.most_common()]
    return {
        "action": order.action,
        "dry_run": wanted.dry_run,
        "matched": tally.matched,
        "changed": tally.changed,
        "skipped": skipped,
        "results": tally.results,
    }


async def _next_ids(
    session: Session, organization_id: int, workflow_id: int, filters: Filters, order: Order, after: int
) -> tuple[list[int], int | None]:
    """The next ids in ascending order, and the last of them when there may be more.

    A respread goes in one piece, because its order is by time.
    """
    respread = order.action is Action.RESUME and order.policy.late is Late.RESPREAD
    size = LARGEST_RESPREAD if respread else CHUNK
    ids = await queries.matching_ids(session, organization_id, workflow_id, filters, after, size + 1)
    if respread and len(ids) > size:
        sentence = f"At most {size} runs are respread in one call; narrow the filter."
        raise ValidationError(sentence, errors={"filter": [sentence]})
    return ids[:size], ids[size - 1] if len(ids) > size else None
