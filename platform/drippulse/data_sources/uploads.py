"""Taking a source's file in: in chunks, each stored on its own, so that no transaction waits for a slow client."""

import asyncio
from typing import Any, Final

from drippulse.crm.importing.custom import load_custom_fields
from drippulse.crm.importing.encodings import read_encoding
from drippulse.crm.importing.errors import FileTooLargeError, NoFileError
from drippulse.crm.importing.formats import format_of
from drippulse.crm.importing.layouts import HEAD, Wanted, read_delimiter, read_layout
from drippulse.crm.importing.uploads import CHUNK, Utf8Check
from drippulse.data_sources import queries
from drippulse.data_sources.definitions import Definition, read_definition
from drippulse.data_sources.errors import InvalidDataSourceError
from drippulse.data_sources.service import get_data_source, require_data_source
from drippulse.data_sources.tables import SourceType
from drippulse.kit.db import Database
from drippulse.organizations.policy import Principal

UNNAMED: Final = "upload.csv"


class SourceUpload:
    """A file on its way in. `finish` puts it in the place of the one before, `abandon` leaves nothing behind."""

    def __init__(self, database: Database, principal: Principal, definition: Definition, most_bytes: int) -> None:
        self._database = database
        self._principal = principal
        self._definition = definition
        self._most_bytes = most_bytes
        self._file_number: int | None = None
        self._rest = bytearray()
        self._chunks = 0
        self._utf8 = Utf8Check()
        self._head = bytearray()
        self._size = 0
        self.file_name = ""

    @classmethod
    async def begin(cls, database: Database, principal: Principal, source_id: int, most_bytes: int) -> "SourceUpload":
        """
        Raises:
            NotFoundError: no such source.
            InvalidDataSourceError: it takes no files.
        """
        async with database.tenant(principal.organization_id) as session:
            definition = read_definition(await require_data_source(session, principal, source_id))
        if definition.type is not SourceType.CSV_UPLOAD:
            sentence = f"Only csv_upload sources take files; this one is {definition.type.value}."
            raise InvalidDataSourceError("type", sentence)
        return cls(database, principal, definition, most_bytes)

    async def add(self, data: bytes) -> None:
        """Raises FileTooLargeError, and UnreadableFileError once the beginning shows that it is no table."""
        self._size += len(data)
        if self._size > self._most_bytes:
            raise FileTooLargeError(self._most_bytes)
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
        self._utf8.add(data)
        self._rest += data
        while len(self._rest) >= CHUNK:
            await self._store(bytes(self._rest[:CHUNK]))
            del self._rest[:CHUNK]

    async def finish(self) -> dict[str, Any]:
        """The source with its new file.

        Raises:
            NoFileError: nothing was sent.
            UnreadableFileError, ValidationError: the file is no table, or not the one that the mapping is for.
        """
        if self._size == 0:
            raise NoFileError
        self._utf8.add(b"", final=True)
        organization_id, source_id = self._principal.organization_id, self._definition.id
        if format_of(bytes(self._head[:1024])) == "csv":
            await self._check()
        if self._rest or self._file_number is None:
            await self._store(bytes(self._rest))
        name = self.file_name or UNNAMED
        async with self._database.tenant(organization_id) as session:
            await require_data_source(session, self._principal, source_id, lock=True)
            await queries.set_file(session, organization_id, source_id, self._file_number or 0, name, self._size)
            return await get_data_source(session, self._principal, source_id)

    async def abandon(self) -> None:
        if self._file_number is not None:
            organization_id, source_id = self._principal.organization_id, self._definition.id
            async with self._database.tenant(organization_id) as session:
                await queries.drop_file(session, organization_id, source_id, self._file_number)

    async def _check(self) -> None:
        data, organization_id = self._definition.data, self._principal.organization_id
        async with self._database.tenant(organization_id) as session:
            custom = await load_custom_fields(session, data.record_type, organization_id)
        wanted = Wanted(
            read_encoding(data.config.encoding), read_delimiter(data.config.delimiter), data.mapping or None
        )
        head, utf8 = bytes(self._head), self._utf8.holds
        await asyncio.to_thread(read_layout, data.record_type, head, utf8=utf8, wanted=wanted, custom=custom.labels)

    async def _store(self, data: bytes) -> None:
        organization_id, source_id = self._principal.organization_id, self._definition.id
        async with self._database.tenant(organization_id) as session:
            if self._file_number is None:
                format_of(bytes(self._head[:1024]))
                self._file_number = await queries.next_file_number(session)
            place = (organization_id, source_id, self._file_number, self._chunks)
            await queries.add_chunk(session, *place, data)
        self._chunks += 1
