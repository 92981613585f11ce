"""Data sources in an organization of a test, and their runs, without HTTP between the test and them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from drippulse.data_sources import runs
from drippulse.data_sources.opening import Opening
from drippulse.data_sources.runner import run_next
from drippulse.data_sources.schemas import DataSourceFields, RunCreate
from drippulse.data_sources.service import DataSources
from drippulse.data_sources.sources.base import Limits
from drippulse.kit.clock import utc_now
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.kit.http import OutboundHttp
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse.workflows.templates import Templates

LIMITS = Limits(
    file_bytes=1 << 20,
    answer_bytes=1 << 20,
    document_bytes=1 << 20,
    call_seconds=3,
    file_seconds=3,
    silence_seconds=1,
    run_seconds=20,
    pages=50,
    attempts=3,
)


@dataclass
class Runs:
    """Makes sources, runs them, and looks at what came of it."""

    opening: Opening
    organization_id: int
    waited: list[float]

    @property
    def database(self) -> Database:
        return self.opening.database

    @property
    def principal(self) -> Principal:
        return Principal(self.organization_id, MemberRole.ADMIN, "user", 1, "session:1")

    async def source(self, **fields: Any) -> int:
        """The id of a new source of contacts."""
        given = {"name": "Partner", "record_type": "contact", **fields}
        opening = self.opening
        service = DataSources(opening.vault, opening.settings, utc_now)
        async with self.database.tenant(self.organization_id) as session:
            made = await service.create(session, self.principal, DataSourceFields.model_validate(given))
        return int(made["id"])

    async def start(self, source_id: int, **fields: Any) -> int:
        async with self.database.tenant(self.organization_id) as session:
            data = RunCreate(data_source_id=source_id, **fields)
            return int((await runs.start_run(session, self.principal, data))["id"])

    async def run(self, source_id: int, portion_rows: int | None = None, **fields: Any) -> dict[str, Any]:
        """A whole run, as answers show it."""
        run_id = await self.start(source_id, **fields)
        assert await run_next(self.opening, portion_rows)
        return await self.shown(run_id)

    async def shown(self, run_id: int) -> dict[str, Any]:
        async with self.database.tenant(self.organization_id) as session:
            return await runs.get_run(session, self.principal, run_id)

    async def problems(self, run_id: int) -> list[tuple[int, str, str]]:
        """(row, column, message) each."""
        async with self.database.tenant(self.organization_id) as session:
            rows = await session.fetch(
                "SELECT row_number, column_name, message FROM data_source_run_problem WHERE run_id = $1 ORDER BY id",
                run_id,
            )
        return [(row["row_number"], row["column_name"], row["message"]) for row in rows]

    async def cursor(self, source_id: int) -> str | None:
        return await self.fetchval("SELECT cursor FROM data_source WHERE id = $1", source_id)

    async def contacts(self) -> dict[str, str]:
        """E-mail -> first name."""
        async with self.database.tenant(self.organization_id) as session:
            rows = await session.fetch("SELECT email, first_name FROM contact ORDER BY email")
        return {row["email"]: row["first_name"] for row in rows}

    async def fetchval(self, sql: str, *args: Any) -> Any:
        async with self.database.tenant(self.organization_id) as session:
            return await session.fetchval(sql, *args)

    def limited(self, **changes: Any) -> "Runs":
        """The same with other limits."""
        limits = replace(self.opening.limits, **changes)
        return replace(self, opening=replace(self.opening, limits=limits))


@asynccontextmanager
async def making_runs(settings: Settings, organization_id: int, *allow: str) -> AsyncGenerator[Runs]:
    """`allow`: addresses such as http://127.0.0.1:1234 that may be called."""
    pairs = frozenset(address.removeprefix("http://") for address in allow)
    settings = settings.model_copy(update={"egress_allow": pairs})
    database, http, waited = Database(settings), OutboundHttp(pairs, development=True), list[float]()
    await database.open()

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    try:
        opening = Opening(settings, database, Vault.of(settings), http, Templates(), LIMITS, pause)
        yield Runs(opening, organization_id, waited)
    finally:
        await http.aclose()
        await database.close()
