"""Fixtures of the chaos suite: labs in fresh databases."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drippulse_server.embedded.postgres import EmbeddedPostgres
from tests.chaos.lab import Lab, open_lab, superuser_of
from tests.conftest import MakeDatabase

Labs = Callable[..., AbstractAsyncContextManager[Lab]]
WORKERS = ("worker-0", "worker-1")


@pytest.fixture
def labs(make_database: MakeDatabase, postgres: EmbeddedPostgres, tmp_path: Path) -> Labs:
    """`async with labs("name", sabotage) as lab`: workers are honest, or have that guard taken out."""

    @asynccontextmanager
    async def make(name: str, sabotage: str = "", **changes: Any) -> AsyncGenerator[Lab]:
        settings = await make_database(name)
        program = ("tests.support.sabotage", sabotage) if sabotage else ("tests.support.skewed_clock",)
        commands = dict.fromkeys(WORKERS, (*program, "worker")) | {
            "scheduler": ("tests.support.skewed_clock", "scheduler")
        }
        url = superuser_of(postgres.superuser_url, settings.database_url)
        async with open_lab(settings, url, tmp_path, commands, **changes) as lab:
            yield lab

    return make
