"""What stays open, and what ends it: a credential or a document that holds no more, or the end of this process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import structlog

from drippulse.events.feed import AWAY
from drippulse.graphql_clients.documents.standing import RunningDocument, still_runnable
from drippulse.kit.db import Database
from drippulse.organizations.standing import Credential, still_standing

CHECK_SECONDS = 2.0

Claim: TypeAlias = Credential | RunningDocument
Check: TypeAlias = Callable[[Database, set[Any]], Awaitable[set[Any]]]
"""Of many claims of one kind those that hold."""

CHECKS: Mapping[type[Claim], Check] = {Credential: still_standing, RunningDocument: still_runnable}

log = structlog.get_logger("drippulse.graphql")


def _nothing() -> None:
    pass


@dataclass(eq=False, slots=True)
class Ward:
    """Something that is open while `claim` holds. `gone` is called once it does not (and again, until the ward is
    removed), `stop` when the process ends."""

    claim: Claim
    gone: Callable[[], None]
    stop: Callable[[], None] = _nothing


class Wards:
    """Looks at the claims of each kind in one statement every `CHECK_SECONDS`, while there are any."""

    def __init__(self, database: Database, seconds: float = CHECK_SECONDS) -> None:
        self._database = database
        self._seconds = seconds
        self._wards: set[Ward] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False
        self._none = asyncio.Event()
        self._none.set()

    def __len__(self) -> int:
        return len(self._wards)

    def add(self, ward: Ward) -> None:
        self._wards.add(ward)
        self._none.clear()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        if self._stopped:
            ward.stop()

    def remove(self, ward: Ward) -> None:
        self._wards.discard(ward)
        if not self._wards:
            self._none.set()
            if self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def stop(self, within: float) -> None:
        """Stop every ward, and those that are added from now on; until all are removed, or `within` seconds."""
        self._stopped = True
        for ward in list(self._wards):
            ward.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._none.wait()

    async def _look(self) -> None:
        while self._wards:
            await asyncio.sleep(self._seconds)
            for kind, check in CHECKS.items():
                try:
                    await self._check([ward for ward in self._wards if isinstance(ward.claim, kind)], check)
                except AWAY as error:  # nobody can take anything away meanwhile either
                    log.warning("claims_not_checked", kind=kind.__name__, reason=str(error) or type(error).__name__)

    async def _check(self, wards: list[Ward], check: Check) -> None:
        if not wards:
            return
        standing = await check(self._database, {ward.claim for ward in wards})
        for ward in wards:
            if ward.claim not in standing:
                with contextlib.suppress(RuntimeError):  # a connection that ends by itself just now
                    ward.gone()
