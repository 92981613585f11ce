"""The engine against a plain model of it: random sequences of claims, crashes, frozen workers, pauses and edits."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from structlog.testing import capture_logs

from drippulse.enrollments import admission, cancellation, commit
from drippulse.enrollments import claim as claim_queries
from drippulse.enrollments.claim import Claimed, claim
from drippulse.enrollments.engine import Engine
from drippulse.enrollments.services import LiveServices
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.messaging.mailer import TrackedMailer
from drippulse.organizations import service as organizations
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse.workflows import service as workflows
from drippulse.workflows.schemas import WorkflowCreate, WorkflowUpdate
from drippulse.workflows.steps.base import Outcome, OutcomeKind, OutgoingMail, StepContext
from tests.chaos.engine_model import LEASE, Person
from tests.chaos.lab import Step, mail, pause, step
from tests.conftest import MakeDatabase
from tests.support.sabotage import SABOTAGE

T = TypeVar("T")
EXAMPLES = 25
ENROLL = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag, wait_reason, claimable_at)
SELECT $1, w.id, w.version, '', 'start', $3::jsonb, NULL, now() FROM workflow w WHERE w.id = $2 RETURNING id
"""
SHIFT = """
UPDATE enrollment SET claimable_at = claimable_at - $1, next_run_at = next_run_at - $1, intent_at = intent_at - $1,
  step_entered_at = step_entered_at - $1
"""
RECOUNT = """
SELECT (SELECT coalesce(sum(enrollments), 0) FROM enrollment_count WHERE workflow_id = $1 AND status = e.status)::int
  AS counted, count(*)::int AS there FROM enrollment e WHERE workflow_id = $1 AND deleted_at IS NULL GROUP BY e.status
"""
SUPPRESS = "INSERT INTO suppression (organization_id, email, reason) VALUES ($1, $2, 'x') ON CONFLICT DO NOTHING"


class CrashError(BaseException):
    """The worker is gone: nothing after this runs in it."""


@dataclass
class Post:
    """A mail transport with a ledger: enrollment -> step ids. `crash` kills the sender before or after it takes one."""

    ledger: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    crash: str | None = None

    async def send(self, mail: OutgoingMail, ctx: StepContext) -> Outcome:
        if self.crash == "before":
            raise CrashError
        self.ledger.setdefault(ctx.enrollment_id, []).append(mail.subject.split("|")[1])
        if self.crash == "after":
            raise CrashError
        return Outcome(OutcomeKind.DONE, output={"response": "250 ok"})


@dataclass
class Bench:
    """The real engine, its database and one event loop, shared by all sequences."""

    runner: asyncio.Runner
    database: Database
    engine: Engine
    post: Post
    settings: Settings
    organization_id: int

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @property
    def principal(self) -> Principal:
        return Principal(self.organization_id, MemberRole.ADMIN, "user", 1, "session:1")

    async def sql(self, statement: str, *args: Any) -> Sequence[Any]:
        async with self.database.tenant(self.organization_id) as session:
            return await session.fetch(statement, *args)

    async def work(self, claimed: list[Claimed], asked: float) -> None:
        await self.engine._work(claimed, asked)  # pyright: ignore[reportPrivateUsage] - one batch of a worker
        await self.engine._settled()  # pyright: ignore[reportPrivateUsage]


def steps_of(version: int) -> list[Step]:
    more = [step(f"more{number}", "log", message="x") for number in range(1, version)]
    return [step("start", "trigger"), mail("a"), pause("w", 3600), mail("b"), step("log", "log", message="x"), *more]


class EngineMachine(RuleBasedStateMachine):
    """Each rule does one thing to both; the invariants compare them."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.version = 1
        self.paused = False
        self.people: dict[int, Person] = {}
        self.frozen: list[tuple[list[Claimed], dict[int, int], float]] = []
        self.workflow_id = 0
        self.bench.post.crash = None

    @initialize()
    def make_workflow(self) -> None:
        async def make() -> int:
            await self.bench.sql("UPDATE enrollment SET status = 'cancelled', claimable_at = NULL, fence = fence + 1")
            data = WorkflowCreate.model_validate({"name": "M", "status": "active", "steps": steps_of(1)})
            vault = Vault.of(self.bench.settings)
            async with self.bench.database.tenant(self.bench.organization_id) as session:
                made = await workflows.create_workflow(session, self.bench.principal, vault, data)
            return int(made["id"])

        self.workflow_id = self.bench.do(make())
        self._enroll(3)

    def _change(self, **changes: Any) -> None:
        async def change() -> None:
            data = WorkflowUpdate.model_validate(changes)
            vault = Vault.of(self.bench.settings)
            async with self.bench.database.tenant(self.bench.organization_id) as session:
                await workflows.update_workflow(session, self.bench.principal, vault, self.workflow_id, data)

        self.bench.do(change())

    def _active(self, pick: int) -> Person | None:
        people = [person for person in self.people.values() if person.status == "active"]
        return people[pick % len(people)] if people else None

    @precondition(lambda self: not self.paused)
    @rule(number=st.integers(1, 3))
    def enroll(self, number: int) -> None:
        self._enroll(number)

    def _enroll(self, number: int) -> None:
        for _ in range(number):
            token = f"m{time.monotonic_ns()}"
            bag = orjson.dumps({"token": token}).decode()
            [row] = self.bench.do(self.bench.sql(ENROLL, self.bench.organization_id, self.workflow_id, bag))
            self.people[row["id"]] = Person(row["id"], self.version, due_at=self.now, next_run_at=self.now)
            self.people[row["id"]].token = token

    def _claim(self) -> tuple[list[Claimed], dict[int, int], float]:
        """Everybody who is due, and nobody else. Attempts are set back so that nobody is taken for poison."""
        self.bench.do(self.bench.sql("UPDATE enrollment SET attempt = 0 WHERE attempt > 1"))
        asked = time.monotonic()
        claimed = self.bench.do(claim(self.bench.database, 1000, LEASE))
        due = {person.id for person in self.people.values() if person.claimable(self.now)}
        assert {one.id for one in claimed} == due
        return claimed, {one.id: self.people[one.id].claim(self.now) for one in claimed}, asked

    def _work(self, batch: tuple[list[Claimed], dict[int, int], float], crash: str | None = None) -> None:
        claimed, tokens, asked = batch
        self.bench.post.crash = crash
        self.bench.do(self.bench.work(claimed, asked))
        self.bench.post.crash = None
        for number, token in tokens.items():
            self.people[number].work(token, self.now, crash)

    @rule(crash=st.sampled_from([None, None, "before", "after"]), late=st.sampled_from([0, 0, LEASE + 1, 3700]))
    def work(self, crash: str | None, late: int) -> None:
        """A worker takes what is due, perhaps after a while; its mails kill it, or it comes to the end."""
        self.bench.engine.poke()
        self._pass(late)
        self._work(self._claim(), crash)

    @rule()
    def overtake_a_frozen_worker(self) -> None:
        """It stands still past its lease, another does the work, and then it goes on with what it had."""
        frozen = self._claim()
        self._pass(LEASE + 1)
        self._work(self._claim())
        self._work(frozen)

    @rule()
    def die_before_the_commit(self) -> None:
        self._claim()

    @rule()
    def freeze(self) -> None:
        self.frozen.append(self._claim())

    @precondition(lambda self: bool(self.frozen))
    @rule(pick=st.integers(0, 10))
    def wake_a_frozen_worker(self, pick: int) -> None:
        self._work(self.frozen.pop(pick % len(self.frozen)))

    @rule()
    def two_workers_claim_at_once(self) -> None:
        async def both() -> list[list[Claimed]]:
            return await asyncio.gather(*(claim(self.bench.database, 1000, LEASE) for _ in range(2)))

        due = {person.id for person in self.people.values() if person.claimable(self.now)}
        taken = [one.id for claimed in self.bench.do(both()) for one in claimed]
        assert sorted(taken) == sorted(due)
        for number in taken:
            self.people[number].claim(self.now)

    @rule(seconds=st.sampled_from([LEASE + 1, 200, 3700]))
    def let_time_pass(self, seconds: int) -> None:
        self._pass(seconds)

    def _pass(self, seconds: int) -> None:
        if seconds:
            self.bench.do(self.bench.sql(SHIFT.replace("$1", f"interval '{seconds} s'")))
            self.now += seconds

    @rule()
    def pause_or_resume_the_workflow(self) -> None:
        self.paused = not self.paused
        self._change(status="paused" if self.paused else "active")
        for person in self.people.values():
            if self.paused:
                person.pause()
            else:
                person.resume()

    @precondition(lambda self: self.version < 4)
    @rule()
    def publish_another_version(self) -> None:
        self.version += 1
        self._change(steps=steps_of(self.version))

    @rule(pick=st.integers(0, 50))
    def remove(self, pick: int) -> None:
        person = self._active(pick)
        if person is None:
            return

        async def take_out() -> None:
            async with self.bench.database.tenant(self.bench.organization_id) as session:
                await cancellation.remove(session, self.bench.organization_id, self.workflow_id, person.id)

        self.bench.do(take_out())
        person.remove()

    @rule(pick=st.integers(0, 50))
    def unsubscribe(self, pick: int) -> None:
        person = self._active(pick)
        if person is not None:
            address = f"{person.token}@example.com"
            self.bench.do(self.bench.sql(SUPPRESS, self.bench.organization_id, address))
            person.suppressed = True

    @invariant()
    def the_ledger_is_the_models(self) -> None:
        for person in self.people.values():
            assert self.bench.post.ledger.get(person.id, []) == person.mails
            assert len(set(person.mails)) == len(person.mails)

    @invariant()
    def the_rows_are_the_models(self) -> None:
        rows = self.bench.do(
            self.bench.sql("SELECT id, status FROM enrollment WHERE workflow_id = $1", self.workflow_id)
        )
        assert {row["id"]: row["status"] for row in rows} == {one.id: one.status for one in self.people.values()}
        told: dict[int, list[tuple[str, str]]] = {number: [] for number in self.people}
        timeline = "SELECT enrollment_id, step_id, status FROM enrollment_step WHERE workflow_id = $1 ORDER BY id"
        for row in self.bench.do(
            self.bench.sql(timeline.replace("workflow_id = $1", "enrollment_id = ANY ($1)"), list(told))
        ):
            told[row["enrollment_id"]].append((row["step_id"], row["status"]))
        assert told == {one.id: one.entries for one in self.people.values()}

    @invariant()
    def the_counters_are_a_recount(self) -> None:
        rows = self.bench.do(self.bench.sql(RECOUNT, self.workflow_id))
        assert all(row["counted"] == row["there"] for row in rows)


async def _open(settings: Settings) -> Bench:
    database = Database(settings)
    await database.open()
    post = Post()
    services = replace(LiveServices.create(settings, database), mailer=cast("TrackedMailer", post))
    engine = Engine(settings, database, services)
    organization_id = await organizations.create_organization(database, f"Model {time.time_ns()}")
    return Bench(asyncio.Runner(), database, engine, post, settings, organization_id)


@pytest.fixture(scope="module")
async def model_settings(make_database: MakeDatabase) -> Settings:
    return (await make_database("engine_model")).model_copy(update={"lease_seconds": float(LEASE)})


def compare(model_settings: Settings, examples: int, phases: Sequence[Phase]) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        database=None,
        derandomize=True,
        phases=phases,
    )
    with capture_logs(), asyncio.Runner() as runner:
        bench = runner.run(_open(model_settings))
        EngineMachine.bench = replace(bench, runner=runner)
        try:
            run_state_machine_as_test(EngineMachine, settings=chosen)
        finally:
            runner.run(bench.engine.close())


def test_the_engine_does_what_a_plain_model_of_it_says(model_settings: Settings) -> None:
    compare(model_settings, EXAMPLES, list(Phase))


@pytest.mark.parametrize("sabotage", ["forget_fences", "forget_suppression", "ignore_leases"])
def test_the_model_notices_an_engine_without_its_guard(model_settings: Settings, sabotage: str) -> None:
    kept = admission.SUPPRESSED, claim_queries.CLAIM, commit.UPDATE
    SABOTAGE[sabotage]()
    try:
        with pytest.raises(AssertionError):
            compare(model_settings, EXAMPLES, [Phase.generate])
    finally:
        admission.SUPPRESSED, claim_queries.CLAIM, commit.UPDATE = kept
