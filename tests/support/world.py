"""One engine in a database of its own, with a mail server that keeps a ledger."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from drippulse.enrollments.engine import Engine
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Record
from drippulse.organizations import service as organizations
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse.workflows import service as workflows
from drippulse.workflows.schemas import WorkflowCreate
from tests.support.smtp_sink import SmtpSink

Condition = Callable[[], Awaitable[bool]]

INSERT = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag, timezone)
SELECT $1, $2, $3, coalesce(c->>'email', ''), $4, c, coalesce(c->>'timezone', 'UTC')
FROM jsonb_array_elements($5::jsonb) c
RETURNING id
"""


@dataclass
class World:
    """What an engine test needs: make workflows, enroll, let the engine work, look at what came of it."""

    settings: Settings
    database: Database
    sink: SmtpSink
    organization_id: int

    @property
    def principal(self) -> Principal:
        return Principal(self.organization_id, MemberRole.ADMIN, "user", 1, "session:1")

    async def workflow(self, *steps: Mapping[str, Any], status: str = "active") -> int:
        data = WorkflowCreate.model_validate({"name": "Test", "status": status, "steps": list(steps)})
        async with self.database.tenant(self.organization_id) as session:
            made = await workflows.create_workflow(session, self.principal, Vault.of(self.settings), data)
        return int(made["id"])

    async def enroll(self, workflow_id: int, *contacts: Mapping[str, Any]) -> list[int]:
        people = list(contacts) or [{"email": "ada@example.com", "first_name": "Ada"}]
        async with self.database.tenant(self.organization_id) as session:
            steps = await session.fetchval("SELECT steps FROM workflow_version WHERE workflow_id = $1", workflow_id)
            first = orjson.loads(steps)[0]["id"]
            body = orjson.dumps(people).decode()
            rows = await session.fetch(INSERT, self.organization_id, workflow_id, 1, first, body)
        return [int(row["id"]) for row in rows]

    @asynccontextmanager
    async def engine(self, **changes: Any) -> AsyncGenerator[Engine]:
        engine = await Engine.create(self.settings.model_copy(update=changes))
        try:
            yield engine
        finally:
            await engine.stop()
            await engine.close()

    async def drain(self, **changes: Any) -> int:
        async with self.engine(**changes) as engine:
            return await engine.drain()

    async def work_until(self, holds: Condition, within: float = 40, **changes: Any) -> None:
        """Let an engine run as a worker does until `holds` does."""
        async with self.engine(**changes) as engine:
            task = asyncio.create_task(engine.run())
            end = time.monotonic() + within
            while not await holds():
                assert time.monotonic() < end, "the engine did not get there"
                await asyncio.sleep(0.02)
            await engine.stop()
            await task

    async def work_until_rest(self, enrollment_id: int, **changes: Any) -> None:
        """Let an engine run until this enrollment has ended or waits for somebody."""

        async def rests() -> bool:
            row = await self.row(enrollment_id)
            return row["status"] != "active" or row["claimable_at"] is None

        await self.work_until(rests, **changes)

    async def cancel_all(self) -> None:
        """What earlier tests left under way."""
        await self.sql("UPDATE enrollment SET status = 'cancelled', claimable_at = NULL")

    async def row(self, enrollment_id: int) -> Record:
        async with self.database.tenant(self.organization_id) as session:
            row = await session.fetchrow("SELECT * FROM enrollment WHERE id = $1", enrollment_id)
        assert row is not None
        return row

    async def error(self, enrollment_id: int) -> dict[str, Any]:
        return orjson.loads((await self.row(enrollment_id))["last_error"] or "{}")

    async def timeline(self, enrollment_id: int) -> list[tuple[str, str]]:
        """(step type, status) of each timeline entry, in order."""
        async with self.database.tenant(self.organization_id) as session:
            rows = await session.fetch(
                "SELECT type, status FROM enrollment_step WHERE enrollment_id = $1 ORDER BY id", enrollment_id
            )
        return [(row["type"], row["status"]) for row in rows]

    async def deliveries(self, enrollment_id: int) -> list[str]:
        async with self.database.tenant(self.organization_id) as session:
            rows = await session.fetch(
                "SELECT status FROM delivery WHERE enrollment_id = $1 ORDER BY id", enrollment_id
            )
        return [row["status"] for row in rows]

    async def sql(self, statement: str, *args: Any) -> Sequence[Record]:
        async with self.database.tenant(self.organization_id) as session:
            return await session.fetch(statement, *args)


@asynccontextmanager
async def make_world(settings: Settings) -> AsyncGenerator[World]:
    """A world in this database; retries come fast and mail goes to the sink."""
    async with SmtpSink() as sink:
        fast = settings.model_copy(
            update={"smtp_url": sink.url, "step_retry_base_seconds": 0.02, "smtp_timeout_seconds": 0.5}
        )
        database = Database(fast)
        await database.open()
        try:
            organization_id = await organizations.create_organization(database, "World")
            yield World(fast, database, sink, organization_id)
        finally:
            await database.close()


def email(**config: Any) -> dict[str, Any]:
    """An email step with both parts and a link."""
    base = {
        "subject": "Hi {{ first_name }}",
        "body": "Hello {{ first_name }}",
        "html": '<a href="https://x.org/a?b=1&amp;c=2">go</a>',
    }
    return {"id": "mail", "type": "email", "name": "Mail", "config": {**base, **config}}


def step(kind: str, **config: Any) -> dict[str, Any]:
    return {"id": kind, "type": kind, "name": kind, "config": config}
