"""Connections that stay open, and what ends them: a credential that holds no more, or the end of this process."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from drippulse.events.feed import AWAY
from drippulse.kit.db import Database
from drippulse.organizations.standing import Credential, still_standing

CHECK_SECONDS = 2.0

log = structlog.get_logger("drippulse.graphql")


@dataclass(eq=False, slots=True)
class Ward:
    """One connection. `gone` is called once its credential has ended, `stop` when the process does."""

    credential: Credential
    gone: Callable[[], None]
    stop: Callable[[], None]


class Wards:
    """Looks at the credentials of all connections in one statement every `CHECK_SECONDS`, while there are any."""

    def __init__(self, database: Database, seconds: float = CHECK_SECONDS) -> None:
        self._database = database
        self._seconds = seconds
        self._wards: set[Ward] = set()
        self._looking: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._wards)

    def add(self, ward: Ward) -> None:
        self._wards.add(ward)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    def remove(self, ward: Ward) -> None:
        self._wards.discard(ward)

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        for ward in list(self._wards):
            ward.stop()

    async def _look(self) -> None:
        while self._wards:
            await asyncio.sleep(self._seconds)
            asked = list(self._wards)
            try:
                standing = await still_standing(self._database, {ward.credential for ward in asked})
            except AWAY as error:  # nobody can take anything away meanwhile either
                log.warning("credentials_not_checked", reason=str(error) or type(error).__name__)
                continue
            for ward in asked:
                if ward.credential not in standing:
                    with contextlib.suppress(RuntimeError):  # a connection that ends by itself just now
                        ward.gone()
