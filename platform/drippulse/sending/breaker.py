"""When an organization's mail is stopped. `judge` is pure; the rest keeps the state that it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from drippulse.events import service as events
from drippulse.events.service import Actor, SystemActor
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.sending import metrics, queries
from drippulse.sending.schemas import BreakerRule, parsed
from drippulse.sending.tables import Breaker

LOOK_AGAIN = timedelta(hours=1)
"""How long a stopped mail waits at most before it is looked at again; a reset comes sooner."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Totals:
    """Of the rule's window, since the last reset."""

    sent: int
    bounced: int
    complained: int

    @property
    def bounce_rate(self) -> float:
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaint_rate(self) -> float:
        return self.complained / self.sent if self.sent else 0.0


def judge(rule: BreakerRule, totals: Totals, present: Breaker) -> tuple[Breaker, str]:
    """The state and why. A stopped organization stays stopped until an Admin resets it."""
    if present is Breaker.STOPPED:
        return present, ""
    if totals.sent < rule.minimum_sends:
        return Breaker.OK, ""
    if totals.complaint_rate >= rule.complaint_stop:
        return Breaker.STOPPED, _why("complaints", totals.complained, totals, rule.complaint_stop)
    if totals.bounce_rate >= rule.bounce_stop:
        return Breaker.STOPPED, _why("hard bounces", totals.bounced, totals, rule.bounce_stop)
    if totals.complaint_rate >= rule.complaint_warn:
        return Breaker.WARN, _why("complaints", totals.complained, totals, rule.complaint_warn)
    return Breaker.OK, ""


def _why(what: str, count: int, totals: Totals, limit: float) -> str:
    return f"{count} {what} of {totals.sent} mails: {count / totals.sent:.2%}, the limit is {limit:.2%}"


async def totals_of(session: Session, organization_id: int, rule: BreakerRule) -> Totals:
    row = await queries.window_totals(session, organization_id, rule.window_days)
    return Totals(row["counted_sent"], row["counted_bounced"], row["counted_complained"])


async def evaluate(session: Session, organization_id: int) -> Breaker:
    """Bring the breaker up to date; the last thing a transaction does, since it may wait for mails that are beginning.

    After this has committed as STOPPED, no intent of a mail commits any more.
    """
    row = await queries.state(session, organization_id)
    rule = parsed(row["sending"]).breaker
    present = Breaker(row["breaker"])
    state, reason = judge(rule, await totals_of(session, organization_id, rule), present)
    if state is present:
        return state
    changed = await queries.set_breaker(session, organization_id, present, state, reason)
    if changed:
        await _announce(session, organization_id, state, reason, SystemActor(organization_id))
    return state


async def reset(session: Session, organization_id: int, note: str, actor: Actor) -> int:
    """Let mail go again, with everything so far forgiven; how many enrollments go on at once."""
    await queries.reset_breaker(session, organization_id, note)
    await _announce(session, organization_id, Breaker.OK, note, actor)
    return await queries.reissue(session, organization_id)


async def _announce(session: Session, organization_id: int, state: Breaker, reason: str, actor: Actor) -> None:
    name = {Breaker.OK: "sending.resumed", Breaker.WARN: "sending.warned", Breaker.STOPPED: "sending.stopped"}[state]
    await events.append(session, name, "organization", organization_id, actor, {"state": state, "reason": reason})

    async def report() -> None:
        metrics.BREAKER.labels(state.value).inc()
        write = log.error if state is Breaker.STOPPED else log.warning if state is Breaker.WARN else log.info
        write(name.replace(".", "_"), organization_id=organization_id, reason=reason)

    session.after_commit(report)


async def evaluate_all(database: Database) -> bool:
    """The chore: bounces may come before there are enough mails to count, and rates fall while mails go out."""
    async with database.session(Role.ENGINE) as session:
        troubled = await queries.troubled(session)
    for organization_id in _ids(troubled):
        async with database.session(Role.ENGINE) as session:
            await evaluate(session, organization_id)
    return False


async def forget_old_counts(database: Database) -> bool:
    """The chore: windows that nobody asks for any more."""
    async with database.session(Role.ENGINE) as session:
        await queries.delete_old_counts(session)
    return False


def _ids(rows: Sequence[Record]) -> list[int]:
    return [int(row["organization_id"]) for row in rows]
