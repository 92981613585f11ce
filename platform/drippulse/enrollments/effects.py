"""Effects: intent, call, result, in that order, each committed before the next begins."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

import asyncpg
import structlog

from drippulse.enrollments import metrics
from drippulse.enrollments.commit import Verdict
from drippulse.enrollments.leases import SURE, Held, Leases
from drippulse.enrollments.local import before_local
from drippulse.enrollments.slots import Slot, Slots
from drippulse.enrollments.state import MAX_ATTEMPTS, Run, give_up, mail_result, retry_record, to_progress
from drippulse.enrollments.writer import GroupWriter
from drippulse.kit.failpoint import failpoint
from drippulse.workflows.steps.base import Decision, Guarantee, Outcome, OutcomeKind, Services
from drippulse.workflows.walk import Effect, Stop, Walk, resume_with

CALL_TIMEOUT_SECONDS = 120.0
WRITE_AGAIN_SECONDS = 600.0
REPEATABLE = (Guarantee.AT_LEAST_ONCE, Guarantee.KEYED)
DATABASE_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class Effects:
    """Carries one enrollment through its effects. `slots` bounds the calls in flight of one organization."""

    def __init__(
        self,
        services: Services,
        writer: GroupWriter,
        leases: Leases,
        slots: int,
        retry_base: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._services = services
        self._writer = writer
        self._leases = leases
        self._slots = Slots(slots)
        self._retry_base = retry_base
        self._sleep = sleep
        self.stopping = False

    async def run(self, run: Run, walk: Walk) -> None:
        """Perform effects until the enrollment rests; the last commit gives the lease back."""
        held = self._leases.hold(run.claimed.id, run.fence, run.asked_at)
        try:
            async with self._slots.take(run.claimed.organization_id) as slot:
                if not self.stopping:
                    await self._carry(run, walk, held, slot)
        finally:
            self._leases.drop(held)

    async def _carry(self, run: Run, walk: Walk, held: Held, slot: Slot) -> None:
        held.calling = True
        while walk.stop is Stop.EFFECT and walk.effect is not None:
            run.records += walk.records
            verdict, refusal = await self._write(run, walk, held)
            if verdict is Verdict.FENCED:
                return
            if refusal is not None:
                walk = resume_with(run.graph, walk.state, run.subject, self._now(run), refusal, walk.effect)
                walk = before_local(walk)
                continue
            failpoint("effect.after_intent")
            if time.monotonic() > held.sure_until:
                log.warning("lease_too_short", enrollment_id=run.claimed.id)
                return
            walk = before_local(await self._perform(run, walk, walk.effect))
        run.records += walk.records
        slot.give_back()  # whoever gets it commits its intent in the same group as this result, or in a later one
        await self._write(run, walk, held)

    async def _perform(self, run: Run, walk: Walk, effect: Effect) -> Walk:
        outcome = await self._call(effect)
        failpoint("effect.after_call")
        metrics.EFFECTS.labels(effect.node.type, outcome.kind.value).inc()
        guarantee = effect.node.step.guarantee_of(effect.prepared, self._services)
        if outcome.kind is OutcomeKind.UNKNOWN and guarantee in REPEATABLE:
            outcome = Outcome(OutcomeKind.RETRY, code=outcome.code, message=outcome.message)
        settled = settle(run, walk, effect, outcome, self._now(run))
        if settled.stop is Stop.FAILED and outcome.kind is OutcomeKind.RETRY:
            outcome = replace(outcome, kind=OutcomeKind.FAILED)  # its attempts are used up
        intended = run.fence - 1  # the intent's commit raised it
        run.results += mail_result(effect.prepared, walk.state.visit, outcome, intended)
        return settled

    async def _call(self, effect: Effect) -> Outcome:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                return await effect.node.step.perform(effect.prepared, effect.ctx, self._services)
        except Exception as error:
            log.exception("effect_broke", enrollment_id=effect.ctx.enrollment_id, step_type=effect.node.type)
            text = f"The step broke during its call ({type(error).__name__}); whether it happened is not known."
            return Outcome(OutcomeKind.UNKNOWN, code="effect_broke", message=text)

    async def _write(self, run: Run, walk: Walk, held: Held) -> tuple[Verdict, Decision | None]:
        """Commit; the database is waited for as long as the lease lasts, and longer with a result that is known."""
        progress = to_progress(run, walk, self._now(run), self._retry_base)
        give_up_at = time.monotonic() + WRITE_AGAIN_SECONDS if run.results else held.sure_until
        while True:
            asked = time.monotonic()
            try:
                verdict = await self._writer.submit(progress)
                break
            except DATABASE_AWAY as error:
                if time.monotonic() >= give_up_at or (self.stopping and not run.results):
                    log.warning("commit_failed", enrollment_id=run.claimed.id, reason=str(error))
                    return Verdict.FENCED, None
                await self._sleep(0.5)
        if verdict is Verdict.WRITTEN:
            written(run, walk)
            held.fence, held.sure_until = run.fence, asked + self._leases.seconds * SURE
        elif verdict is Verdict.FENCED:
            metrics.FENCED.inc()
        return verdict, progress.refusal

    @staticmethod
    def _now(run: Run) -> datetime:
        return run.now(time.monotonic())


def settle(run: Run, walk: Walk, effect: Effect | None, outcome: Outcome, now: datetime) -> Walk:
    """Go on after an effect's outcome; a RETRY gets its timeline entry here, or ends when its attempts are used up."""
    walk = resume_with(run.graph, walk.state, run.subject, now, outcome, effect)
    if walk.stop is not Stop.RETRY:
        return walk
    if walk.state.attempt >= MAX_ATTEMPTS:
        return give_up(run, walk, now)
    walk.records.append(retry_record(run, walk, now))
    return walk


def written(run: Run, walk: Walk) -> None:
    """What follows a commit that went through: the fence moved, nothing is pending."""
    run.fence += 1
    run.bag = walk.state.bag
    run.records, run.results = [], []
