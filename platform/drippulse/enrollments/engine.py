"""The engine of one worker process: claims due enrollments, walks them, commits batches, carries effects."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Self

import asyncpg
import structlog

from drippulse.enrollments import metrics
from drippulse.enrollments.claim import (
    Claimed,
    claim,
    claim_suspect,
    recorded_outcomes,
    release,
    seconds_to_next_due,
)
from drippulse.enrollments.commit import Progress, Verdict, commit
from drippulse.enrollments.effects import DATABASE_AWAY, Effects
from drippulse.enrollments.graphs import Graphs
from drippulse.enrollments.leases import Leases
from drippulse.enrollments.local import LocalWriter
from drippulse.enrollments.napping import Hears, Naps, always
from drippulse.enrollments.recovery import RecordedOutcomes, decided, recover
from drippulse.enrollments.reporting import report
from drippulse.enrollments.services import LiveServices
from drippulse.enrollments.state import (
    MAX_ATTEMPTS,
    Run,
    begin,
    failed,
    poisoned,
    postponed,
    refused,
    to_progress,
    walk_state,
)
from drippulse.enrollments.writer import GroupWriter
from drippulse.kit.crypto import DecryptionError, Vault
from drippulse.kit.db import Database
from drippulse.kit.errors import DomainError
from drippulse.kit.failpoint import arm, failpoint
from drippulse.settings import Settings
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import Stop, Walk, advance

BATCHES_AT_ONCE = 4  # one walks while the others commit; measured: 2 give 17,000 steps/s, 4 give 22,000
ONE_SHARE = 4  # enrollments of one organization that are in calls or wait for a slot, for each of its slots
SHARES = 8  # so many such organizations fill a worker
GRACE_SECONDS = 8.0
UNREADABLE_DELAY = timedelta(minutes=1)
UNREADABLE = "secret_unreadable"
PAUSE_AFTER_FAILURE_SECONDS = 1.0
UNUSABLE = "The workflow version this enrollment is pinned to cannot be read any more."

log = structlog.get_logger(__name__)


class Engine:
    """One per worker process. `poke` says that there may be due work; `run` goes on until `stop`.

    Args:
        hears: whether pokes from outside can arrive now.
    """

    def __init__(self, settings: Settings, database: Database, services: LiveServices, hears: Hears = always) -> None:
        self._settings = settings
        self._database = database
        self._services = services
        self._graphs = Graphs(database, Vault.of(settings))
        self._templates = Templates()
        self._leases = Leases(database, settings.lease_seconds)
        self._writer = GroupWriter(self._commit_group, largest=settings.worker_concurrency)
        self._effects = Effects(
            services, self._writer, self._leases, settings.worker_concurrency, settings.step_retry_base_seconds
        )
        self._local = LocalWriter(database, settings.lease_seconds, settings.step_retry_base_seconds)
        self._one_share = settings.worker_concurrency * ONE_SHARE
        self._most_in_flight = self._one_share * SHARES
        self._callers = Counter[int]()
        self._poked = asyncio.Event()
        self._naps = Naps(hears)
        self._freed = asyncio.Event()
        self._batches: set[asyncio.Task[None]] = set()
        self._runs: set[asyncio.Task[None]] = set()
        self._stopping = False

    @classmethod
    async def create(cls, settings: Settings, database: Database | None = None, hears: Hears = always) -> Self:
        """Open what the engine needs: SMTP, the HTTP client, and the pool where none is given. `close` closes all."""
        arm(settings.failpoint)
        if database is None:
            database = Database(settings)
            await database.open()
        return cls(settings, database, LiveServices.create(settings, database), hears)

    def poke(self) -> None:
        self._poked.set()

    async def run(self) -> None:
        """Claim and work until `stop`; a database that is away is waited for."""
        keeper = asyncio.create_task(self._leases.keep())
        while not self._stopping:
            try:
                await self._round()
            except DATABASE_AWAY as error:
                log.error("claim_failed", reason=str(error) or type(error).__name__)
                await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS)
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper

    async def stop(self) -> None:
        """Hand over: claim no more, give back what is not in a call, let calls end within `GRACE_SECONDS`."""
        self._stopping = self._effects.stopping = True
        self.poke()
        self._freed.set()
        if self._batches:
            await asyncio.wait(self._batches, timeout=GRACE_SECONDS)
        with contextlib.suppress(*DATABASE_AWAY):
            given_back = await self._leases.give_back()
            log.info("handed_over", given_back=given_back, in_calls=len(self._leases))
        if self._runs:
            await asyncio.wait(self._runs, timeout=GRACE_SECONDS)

    async def close(self) -> None:
        for task in [*self._batches, *self._runs]:
            task.cancel()
        await self._services.close()
        await self._database.close()

    async def drain(self) -> int:
        """Work until nothing is due any more, then return how many enrollments were claimed. For tests and tools."""
        total = 0
        while True:
            quiet = not (self._batches or self._runs)  # before the claim: what ends during it may be due again
            claimed = await self._claim_one_batch()
            if claimed == 0 and quiet:
                return total
            if claimed == 0:
                await self._settled()  # what was in flight may be due again
            total += claimed

    async def _settled(self) -> None:
        while self._batches or self._runs:
            await asyncio.wait([*self._batches, *self._runs])

    async def _round(self) -> None:
        self._poked.clear()
        if await self._claim_one_batch() == 0:
            await self._nap()

    async def _nap(self) -> None:
        """Until a poke, or until the next timer or somebody's lease runs out."""
        seconds = await seconds_to_next_due(self._database, self._busy())
        await self._naps.nap(self._poked, seconds)

    async def _claim_one_batch(self) -> int:
        while len(self._runs) >= self._most_in_flight or len(self._batches) >= BATCHES_AT_ONCE:
            self._freed.clear()
            await self._freed.wait()
            if self._stopping:
                return 0
        limit = min(self._settings.worker_batch, self._most_in_flight - len(self._runs))
        asked = time.monotonic()
        claimed = await claim(self._database, limit, self._settings.lease_seconds, self._busy())
        if claimed and self._stopping:
            await release(self._database, [(one.id, one.fence) for one in claimed])
            return 0
        if claimed:
            self._naps.busy()
            metrics.CLAIMED.inc(len(claimed))
            self._track(self._batches, self._work(claimed, asked))
        return len(claimed) + (await self._work_on_a_suspect() if claimed.suspects else 0)

    async def _work_on_a_suspect(self) -> int:
        """Alone, so that a step that kills its worker takes nobody along who is not in a call; how many there were."""
        asked = time.monotonic()
        claimed = await claim_suspect(self._database, self._settings.lease_seconds, self._busy())
        if claimed and self._stopping:
            await release(self._database, [(one.id, one.fence) for one in claimed])
            return 0
        if claimed:
            metrics.CLAIMED.inc(len(claimed))
            if self._batches:
                await asyncio.wait(self._batches)
            await self._work(claimed, asked)
        return len(claimed)

    def _busy(self) -> list[int]:
        """Organizations that have so many calls under way that they get no more for now."""
        return [number for number, runs in self._callers.items() if runs >= self._one_share]

    async def _call_out(self, run: Run, walk: Walk) -> None:
        organization = run.claimed.organization_id
        self._callers[organization] += 1
        try:
            await self._effects.run(run, walk)
        finally:
            self._callers[organization] -= 1
            if not self._callers[organization]:
                del self._callers[organization]

    def _track(self, tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(lambda done: self._forget(tasks, done))

    def _forget(self, tasks: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        metrics.IN_FLIGHT.set(len(self._runs))
        self._freed.set()
        self.poke()  # what just came to rest may be due before the nap ends that was measured without it
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("engine_task_failed", exc_info=error)

    async def _work(self, claimed: list[Claimed], asked: float) -> None:
        failpoint("batch.claimed")
        recorded = await self._recorded(claimed)
        resting: list[tuple[Run, Walk]] = []
        local: list[tuple[Run, Walk]] = []
        for one in claimed:
            if one.due_at is not None:
                metrics.LATENESS.observe(max((one.now - one.due_at).total_seconds(), 0.0))
            run = await self._begin(one, asked)
            if run is None:
                continue
            walk = self._walk(run, recorded)
            if walk.effect is not None and walk.effect.node.local:
                local.append((run, walk))
            elif walk.stop is Stop.EFFECT:
                self._track(self._runs, self._call_out(run, walk))
            else:
                run.records += walk.records
                resting.append((run, walk))
        await self._rest(resting)
        await self._rest_local(local)

    async def _recorded(self, claimed: list[Claimed]) -> RecordedOutcomes:
        open_intents = [one for one in claimed if one.intent_at is not None]
        return await recorded_outcomes(self._database, open_intents) if open_intents else {}

    async def _begin(self, claimed: Claimed, asked: float) -> Run | None:
        try:
            graph = await self._graphs.get(claimed.organization_id, claimed.workflow_id, claimed.workflow_version)
        except DecryptionError as error:
            # Most likely this worker has the wrong key: that ends no enrollment.
            log.error("secret_unreadable", enrollment_id=claimed.id, reason=error.message)
            await self._commit([postponed(claimed, UNREADABLE, UNREADABLE_DELAY)])
            return None
        except DomainError as error:
            log.error("version_unusable", enrollment_id=claimed.id, reason=error.message)
            graph = None
        if graph is None:
            await self._commit([failed(claimed, "version_unusable", UNUSABLE)])
            return None
        return begin(claimed, graph, self._templates, asked)

    def _walk(self, run: Run, recorded: RecordedOutcomes) -> Walk:
        claimed = run.claimed
        if claimed.signal is not None and claimed.step_index < len(run.graph) and (walk := decided(run)) is not None:
            return walk
        if claimed.intent_at is not None and claimed.step_index < len(run.graph):
            recovered = recover(run, recorded.get((claimed.owner, claimed.visit)), self._services)
            if recovered is not None:
                return recovered
        if claimed.attempt > MAX_ATTEMPTS and claimed.step_index < len(run.graph):
            return poisoned(run)
        walk = advance(run.graph, walk_state(run), run.subject, claimed.now)
        if walk.exception is not None:
            log.error("step_broke", enrollment_id=claimed.id, exc_info=walk.exception)
        return walk

    async def _rest(self, resting: Sequence[tuple[Run, Walk]]) -> None:
        if not resting:
            return
        now = resting[0][0].now(time.monotonic())
        items = [to_progress(run, walk, now, self._settings.step_retry_base_seconds) for run, walk in resting]
        failpoint("batch.before_commit")
        verdicts = await self._commit(items)
        failpoint("batch.after_commit")
        done = [item for item, verdict in zip(items, verdicts, strict=True) if verdict is Verdict.WRITTEN]
        metrics.FENCED.inc(len(items) - len(done))
        report(done)

    async def _rest_local(self, local: Sequence[tuple[Run, Walk]]) -> None:
        if not local:
            return
        failpoint("local.before_commit")
        done = await self._local.settle(local, local[0][0].now(time.monotonic()))
        failpoint("local.after_commit")
        metrics.FENCED.inc(len(local) - len(done))
        report(done)

    async def _commit_group(self, items: Sequence[Progress]) -> list[Verdict]:
        verdicts = await self._commit(items)
        report([item for item, verdict in zip(items, verdicts, strict=True) if verdict is Verdict.WRITTEN])
        return verdicts

    async def _commit(self, items: Sequence[Progress]) -> list[Verdict]:
        """One transaction for all; when the data of one is refused, one for each, so that it harms nobody else."""
        try:
            return await commit(self._database, items, self._settings.lease_seconds)
        except asyncpg.DataError as error:
            if len(items) == 1:
                log.error("progress_refused", enrollment_id=items[0].id, reason=str(error))
                return await commit(self._database, [refused(items[0], str(error))], self._settings.lease_seconds)
        return [verdict for item in items for verdict in await self._commit([item])]
