"""Local steps: what a step writes into our own database commits together with the enrollment's progress."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
import structlog

from drippulse.enrollments.commit import Progress, Verdict, commit_in
from drippulse.enrollments.state import Run, to_progress
from drippulse.kit.db import Database, Role, Session
from drippulse.kit.errors import DomainError
from drippulse.workflows.steps.base import Outcome, OutcomeKind
from drippulse.workflows.walk import Effect, Stop, Walk, resume_with

MOST_AT_ONCE = 50

# In the order of ids, as every batch locks them.
LOCK = """SELECT e.id FROM enrollment e JOIN unnest($1::bigint[], $2::bigint[]) AS held(id, fence) USING (id, fence)
WHERE e.id = ANY ($1) AND e.status = 'active' ORDER BY e.id FOR NO KEY UPDATE OF e"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LocalWriter:
    """Applies local steps. `lease_seconds` and `retry_base` (seconds) are the engine's."""

    database: Database
    lease_seconds: float
    retry_base: float

    async def settle(self, walks: Sequence[tuple[Run, Walk]], now: datetime) -> list[Progress]:
        """Apply and commit, many enrollments to a transaction; what was written.

        When the database refuses the data of one, or two groups wait for each other (steps write the same records in
        any order), each goes alone, so that it harms nobody else.
        """
        written: list[Progress] = []
        for start in range(0, len(walks), MOST_AT_ONCE):
            group = walks[start : start + MOST_AT_ONCE]
            try:
                written += await self._commit(group, now)
            except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.DeadlockDetectedError):
                for one in group:
                    written += await self._alone(one, now)
        return written

    async def _alone(self, one: tuple[Run, Walk], now: datetime) -> list[Progress]:
        try:
            return await self._commit([one], now)
        except asyncpg.DeadlockDetectedError:
            log.warning("local_step_locked_out", enrollment_id=one[0].claimed.id)
            return []  # it is taken again when its lease has run out
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            run, walk = one
            log.error("local_step_refused", enrollment_id=run.claimed.id, reason=str(error))
            outcome = Outcome(OutcomeKind.FAILED, code="data_refused", message=f"The data cannot be stored: {error}")
            run.records += walk.records
            failed = resume_with(run.graph, walk.state, run.subject, now, outcome, walk.effect)
            async with self.database.session(Role.ENGINE) as session:
                return await self._write(session, [(run, failed)], now)

    async def _commit(self, group: Sequence[tuple[Run, Walk]], now: datetime) -> list[Progress]:
        async with self.database.session(Role.ENGINE) as session:
            ours = await self._lock(session, [run for run, _ in group])
            settled = [
                (replace(run, records=list(run.records), results=list(run.results)), walk)
                for run, walk in group
                if run.claimed.id in ours
            ]
            settled = [(run, await _apply(session, run, walk, now)) for run, walk in settled]
            return await self._write(session, settled, now)

    async def _write(self, session: Session, settled: Sequence[tuple[Run, Walk]], now: datetime) -> list[Progress]:
        for run, walk in settled:
            run.records += walk.records
        items = [to_progress(run, walk, now, self.retry_base) for run, walk in settled]
        verdicts = await commit_in(session, items, self.lease_seconds)
        return [item for item, verdict in zip(items, verdicts, strict=True) if verdict is Verdict.WRITTEN]

    async def _lock(self, session: Session, runs: Sequence[Run]) -> set[int]:
        rows = await session.fetch(LOCK, [run.claimed.id for run in runs], [run.fence for run in runs])
        return {row["id"] for row in rows}


async def _apply(session: Session, run: Run, walk: Walk, now: datetime) -> Walk:
    """Go on over local steps until the enrollment rests; a step that fails is undone and nothing else with it."""
    while walk.effect is not None and walk.effect.node.local:
        run.records += walk.records
        walk = await _apply_one(session, run, walk, walk.effect, now)
    return outward(walk)


async def _apply_one(session: Session, run: Run, walk: Walk, effect: Effect, now: datetime) -> Walk:
    await session.execute("SAVEPOINT step")
    try:
        decision = await effect.node.step.apply(effect.prepared, effect.ctx, session)
    except DomainError as error:
        await session.execute("ROLLBACK TO SAVEPOINT step")
        decision = Outcome(OutcomeKind.FAILED, code=error.error_code, message=error.message)
    await session.execute("RELEASE SAVEPOINT step")
    return resume_with(run.graph, walk.state, run.subject, now, decision, effect)


def outward(walk: Walk) -> Walk:
    """The walk as it may be committed here: a next effect of the other kind is left to the next claim, which is due
    at once."""
    return replace(walk, stop=Stop.YIELDED, effect=None) if walk.stop is Stop.EFFECT else walk


def before_local(walk: Walk) -> Walk:
    """The same for a walk between calls, which goes on with a next call by itself."""
    return outward(walk) if walk.effect is not None and walk.effect.node.local else walk
