"""Which text a document's id stands for, and whether a text may be run at all; remembered for some seconds."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from drippulse.graphql_clients.documents import queries
from drippulse.graphql_clients.documents.errors import UntrustedDocumentError
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Database

LASTS_SECONDS = 4.0  # what was deleted stops within 5 s everywhere
UNKNOWN_LASTS_SECONDS = 1.0
MAX_TEXTS = 5_000
MAX_CHARACTERS = 20_000_000
MAX_UNKNOWN = 1_000
MAX_SETTINGS = 10_000


@dataclass(frozen=True, slots=True)
class _Text:
    until: float
    text: str


class TrustedDocuments:
    """One per process. What is not registered is remembered apart and shortly, so that nobody's guesses drive out what
    clients run, and what a build has just registered runs at once."""

    def __init__(
        self, database: Database, seconds: float = LASTS_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._clock = clock
        self._texts: OrderedDict[tuple[int, str], _Text] = OrderedDict()
        self._unknown: OrderedDict[tuple[int, str], float] = OrderedDict()
        self._settings: OrderedDict[int, tuple[float, bool]] = OrderedDict()
        self._characters = 0
        self._forgotten = 0

    def __len__(self) -> int:
        return len(self._texts) + len(self._unknown)

    async def text(self, organization_id: int, sha256: str) -> str | None:
        """What is registered under this hash, 64 hexadecimal digits in lower case; None when nothing is."""
        key, now = (organization_id, sha256), self._clock()
        known = self._texts.get(key)
        if known is not None and known.until > now:
            self._texts.move_to_end(key)
            return known.text
        if self._unknown.get(key, 0.0) > now:
            return None
        forgotten = self._forgotten
        async with self._database.tenant(organization_id) as session:
            found = await queries.text(session, organization_id, sha256)
        self._drop(key)
        if forgotten == self._forgotten:  # else it was read before something was deleted, and must not last
            self._remember(key, found, now)
        return found

    async def admit(self, organization_id: int, text: str) -> None:
        """Of a text that a client sent itself.

        Raises:
            UntrustedDocumentError: the organization runs registered documents only.
        """
        if not await self._trusted_only(organization_id):
            return
        if await self.text(organization_id, sha256_hex(text)) is None:
            raise UntrustedDocumentError

    def forget(self) -> None:
        """Drop everything: what was changed here takes effect here at once."""
        self._forgotten += 1
        self._texts.clear()
        self._unknown.clear()
        self._settings.clear()
        self._characters = 0

    async def forget_after_commit(self) -> None:
        """`forget`, as a hook of the transaction that changes something."""
        self.forget()

    async def _trusted_only(self, organization_id: int) -> bool:
        until, known = self._settings.get(organization_id, (0.0, False))
        now = self._clock()
        if until > now:
            return known
        forgotten = self._forgotten
        async with self._database.tenant(organization_id) as session:
            found = await queries.trusted_only(session, organization_id)
        if forgotten == self._forgotten:
            self._settings[organization_id] = (now + self._seconds, found)
            while len(self._settings) > MAX_SETTINGS:
                self._settings.popitem(last=False)
        return found

    def _remember(self, key: tuple[int, str], text: str | None, asked: float) -> None:
        if text is None:
            self._unknown[key] = asked + UNKNOWN_LASTS_SECONDS
            while len(self._unknown) > MAX_UNKNOWN:
                self._unknown.popitem(last=False)
            return
        self._texts[key] = _Text(asked + self._seconds, text)
        self._characters += len(text)
        while len(self._texts) > MAX_TEXTS or self._characters > MAX_CHARACTERS:
            self._drop(next(iter(self._texts)))

    def _drop(self, key: tuple[int, str]) -> None:
        self._unknown.pop(key, None)
        dropped = self._texts.pop(key, None)
        if dropped is not None:
            self._characters -= len(dropped.text)
