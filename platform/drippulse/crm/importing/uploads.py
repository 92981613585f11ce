"""Taking a file in: in chunks, each stored on its own, so that no transaction waits for a slow client."""

import codecs
from dataclasses import dataclass, field
from typing import Any

from drippulse.crm.importing import queries
from drippulse.crm.importing.custom import load_custom_fields
from drippulse.crm.importing.encodings import UTF_8
from drippulse.crm.importing.errors import FileTooLargeError, NoFileError, UnreadableFileError
from drippulse.crm.importing.formats import format_of
from drippulse.crm.importing.layouts import HEAD, read_layout
from drippulse.crm.importing.references import is_member
from drippulse.crm.importing.schemas import ImportOptions
from drippulse.crm.importing.targets import wanted_of
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Database, Record
from drippulse.kit.errors import not_found

CHUNK = 1 << 20
"""Bytes of a chunk; all but the last one are as large."""
LONGEST_NAME = 200


def clean_name(name: str) -> str:
    """A file's name as it is shown: without its folders and what cannot be printed."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:LONGEST_NAME]


@dataclass
class Utf8Check:
    """Whether all bytes so far are UTF-8."""

    holds: bool = True
    _decoder: Any = field(default_factory=codecs.getincrementaldecoder(UTF_8))

    def add(self, data: bytes, *, final: bool = False) -> None:
        if self.holds:
            try:
                self._decoder.decode(data, final)
            except UnicodeDecodeError:
                self.holds = False


class Upload:
    """A file on its way in. `finish` makes an import of it, `abandon` leaves nothing behind."""

    def __init__(self, database: Database, actor: Actor, kind: RecordType, most_bytes: int) -> None:
        self._database = database
        self._actor = actor
        self._kind = kind
        self._most_bytes = most_bytes
        self._id: int | None = None
        self._rest = bytearray()
        self._chunks = 0
        self._utf8 = Utf8Check()
        self.size = 0
        self.head = b""
        self.file_name = ""

    @property
    def utf8(self) -> bool:
        """Whether all that came is UTF-8."""
        return self._utf8.holds

    async def add(self, data: bytes) -> None:
        """Raises FileTooLargeError, and UnreadableFileError once the beginning shows that it is no table."""
        self.size += len(data)
        if self.size > self._most_bytes:
            raise FileTooLargeError(self._most_bytes)
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
        self._utf8.add(data)
        self._rest += data
        while len(self._rest) >= CHUNK:
            await self._store(bytes(self._rest[:CHUNK]))
            del self._rest[:CHUNK]

    async def finish(self, options: ImportOptions) -> Record:
        """The import, which waits for a worker.

        Raises:
            NoFileError: nothing was sent.
            UnreadableFileError, ValidationError: what `read_layout` says of the file.
            NotFoundError: no such owner.
        """
        if self.size == 0:
            raise NoFileError if self._id is None and not self.file_name else _empty()
        self._utf8.add(b"", final=True)
        layout = await self.layout(options)
        import_id = self._id
        if self._rest or import_id is None:
            import_id = await self._store(bytes(self._rest))
        organization_id = self._actor.organization_id
        async with self._database.tenant(organization_id) as session:
            if options.owner_id is not None and not await is_member(session, organization_id, options.owner_id):
                raise not_found("user")
            sql = """UPDATE record_import SET file_name = $3, options = $4
                     WHERE organization_id = $1 AND id = $2 AND status = 'uploading'"""
            await session.execute(sql, organization_id, import_id, self.file_name, options.model_dump_json())
            position = 0 if layout is None else int(layout["position"])
            text = None if layout is None else layout["text"]
            return await queries.queue(
                session, organization_id, import_id, self.size, text, position, utf8=self._utf8.holds
            )

    async def layout(self, options: ImportOptions) -> dict[str, Any] | None:
        """How a CSV file is read; None for XLSX, which is unpacked first."""
        wanted = wanted_of(options)
        if format_of(self.head) == "xlsx":
            return None
        async with self._database.tenant(self._actor.organization_id) as session:
            custom = await load_custom_fields(session, self._kind, self._actor.organization_id)
        found = read_layout(self._kind, self.head, utf8=self._utf8.holds, wanted=wanted, custom=custom.labels)
        return {"position": found.position, "text": found.model_dump_json()}

    async def abandon(self) -> None:
        if self._id is not None:
            async with self._database.tenant(self._actor.organization_id) as session:
                await queries.forget(session, self._actor.organization_id, self._id)

    async def _store(self, data: bytes) -> int:
        """Another chunk; the import's id."""
        organization_id = self._actor.organization_id
        async with self._database.tenant(organization_id) as session:
            if self._id is None:
                format_of(self.head)
                who = (self._actor.actor_type, self._actor.actor_id)
                self._id = await queries.create(session, organization_id, self._kind.value, self.file_name, "{}", who)
            await queries.add_chunk(session, organization_id, self._id, 0, self._chunks, data)
        self._chunks += 1
        return self._id


def _empty() -> UnreadableFileError:
    return UnreadableFileError("The file is empty; its first row must name the columns.")
