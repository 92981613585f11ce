"""From a stored definition to a source that can be read."""

import asyncio
import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import orjson

from drippulse.crm.importing.custom import CustomFields
from drippulse.crm.importing.encodings import read_encoding
from drippulse.crm.importing.layouts import HEAD, Wanted, read_delimiter
from drippulse.data_sources import queries
from drippulse.data_sources.definitions import Definition
from drippulse.data_sources.errors import InvalidDataSourceError, SourceError
from drippulse.data_sources.schemas import AuthType, Paging, SourceConfig
from drippulse.data_sources.secrets import unseal
from drippulse.data_sources.sources.base import Limits, Source
from drippulse.data_sources.sources.documents import JsonDocument
from drippulse.data_sources.sources.fetching import Call, Fetcher, Pause, with_params
from drippulse.data_sources.sources.files import FileReading, TableFile
from drippulse.data_sources.sources.pages import JsonPages
from drippulse.data_sources.sources.postgres import PostgresQuery, Query, read_dsn
from drippulse.data_sources.sources.sheets import HOST, export_url
from drippulse.data_sources.tables import SourceType
from drippulse.integrations import queries as connections
from drippulse.integrations.credentials import unseal as unseal_connection
from drippulse.integrations.errors import UnreadableSecretsError
from drippulse.integrations.registry import load_connectors
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Record
from drippulse.kit.http import OutboundHttp
from drippulse.settings import Settings
from drippulse.workflows.templates import Templates

SHEETS = "google_sheets"


@dataclass(frozen=True)
class Opening:
    """What sources are opened with. `http` stays the caller's to close."""

    settings: Settings
    database: Database
    vault: Vault
    http: OutboundHttp
    templates: Templates
    limits: Limits
    pause: Pause = asyncio.sleep

    async def open(
        self, definition: Definition, custom: CustomFields, cursor: str | None, *, head_only: bool = False
    ) -> Source:
        """
        Args:
            cursor: for parameters that name it.
            head_only: of files the beginning will do.

        Raises:
            SourceError: its secrets or its connection cannot be used.
        """
        secrets = unseal(definition.secrets, self.vault, definition.organization_id, definition.id)
        kind, config = definition.type, definition.data.config
        if kind is SourceType.POSTGRES:
            return self._postgres(definition, secrets)
        if kind is SourceType.CSV_UPLOAD:
            return TableFile(lambda spool: self._stored(definition, spool), _reading(definition, custom))
        call, hidden = await self._call(definition, secrets, cursor)
        fetcher = Fetcher(self.http, self.limits, hidden, self.pause)
        if kind is SourceType.JSON_URL:
            return JsonDocument(fetcher, call, config.items_path)
        if kind is SourceType.HTTP_JSON:
            return JsonPages(fetcher, call, config.items_path, config.paging or Paging())
        return TableFile(_download(fetcher, call, head_only=head_only), _reading(definition, custom))

    def _postgres(self, definition: Definition, secrets: Mapping[str, str]) -> Source:
        config, incremental = definition.data.config, definition.data.incremental
        cursor = None if incremental is None else (incremental.column, incremental.type)
        query = Query(config.query or "", config.statement_timeout_seconds, cursor)
        try:
            dsn = read_dsn(secrets.get("dsn", ""), self.settings.egress_allow)
        except InvalidDataSourceError as error:
            raise SourceError(error.message) from None
        return PostgresQuery(dsn, query, self.settings.egress_allow)

    async def _stored(self, definition: Definition, spool: BinaryIO) -> bool:
        """The uploaded file."""
        number, size = 0, 0
        while True:
            async with self.database.tenant(definition.organization_id) as session:
                data = await queries.chunk(
                    session, definition.organization_id, definition.id, definition.file_number, number
                )
            if not data:
                break
            await asyncio.to_thread(spool.write, data)
            number, size = number + 1, size + len(data)
        if size != definition.file_bytes:
            raise SourceError("The file was replaced while it was read; start another run.")
        return True

    async def _call(
        self, definition: Definition, secrets: Mapping[str, str], cursor: str | None
    ) -> tuple[Call, Collection[str]]:
        """The first call, and what must not come out in an error."""
        config = definition.data.config
        url = config.url or ""
        if definition.type is SourceType.GOOGLE_SHEETS:
            base = self.settings.connector_base_urls.get(SHEETS, f"https://{HOST}").rstrip("/")
            url = export_url(url, base) or ""
        given = {"cursor": cursor or ""}
        params = {name: self.templates.render(text, given) for name, text in config.params.items()}
        filled = {name: text for name, text in params.items() if text or not config.params[name]}
        headers, secret_params, hidden = await self._auth(definition, secrets, url)
        content = None if config.body is None else orjson.dumps(config.body)
        plain = {**config.headers, **({"content-type": "application/json"} if content is not None else {})}
        return Call(with_params(url, filled), config.method, plain, headers, secret_params, content), hidden

    async def _auth(
        self, definition: Definition, secrets: Mapping[str, str], url: str
    ) -> tuple[dict[str, str], dict[str, str], Collection[str]]:
        """Headers, query parameters, and the secrets in them."""
        auth = definition.data.config.auth
        if auth is None:
            return {}, {}, ()
        if auth.type is AuthType.CONNECTION:
            headers, hidden = await self._connection(definition, auth.connection_id or 0, url)
            return headers, {}, hidden
        token, password = secrets.get("token", ""), secrets.get("password", "")
        if auth.type is AuthType.BASIC:
            pair = base64.b64encode(f"{auth.username}:{password}".encode()).decode()
            return {"authorization": f"Basic {pair}"}, {}, (password, pair)
        if auth.type is AuthType.QUERY:
            return {}, {auth.name or "": token}, (token,)
        name, value = ("authorization", f"Bearer {token}") if auth.type is AuthType.BEARER else (auth.name or "", token)
        return {name: value}, {}, (token,)

    async def _connection(
        self, definition: Definition, connection_id: int, url: str
    ) -> tuple[dict[str, str], Collection[str]]:
        """A connection's headers, for its provider's own address and no other: who may change a source must not be
        able to send a connection's secret to an address of his own."""
        organization_id = definition.organization_id
        async with self.database.tenant(organization_id) as session:
            row = await connections.by_id(session, organization_id, connection_id)
        if row is None:
            raise SourceError("The integration connection of this source does not exist any more; name another one.")
        if row["status"] != ConnectionStatus.ACTIVE:
            raise SourceError(f"The integration connection of this source is {row['status']}; make it active again.")
        sentence = connection_problem(row, url, self.settings)
        if sentence is not None:
            raise SourceError(sentence)
        try:
            values = unseal_connection(row["secrets"], self.vault, organization_id, connection_id)
        except UnreadableSecretsError as error:
            raise SourceError(error.message) from None
        return load_connectors()[row["provider"]].auth.headers(values), tuple(values.values())


def connection_problem(row: Record, url: str, settings: Settings) -> str | None:
    """Why a connection cannot authenticate calls to this address; None when it can."""
    provider = str(row["provider"])
    connector = load_connectors().get(provider)
    if connector is None:
        return f"No connector for {provider} is installed on this server; store the credentials in secrets instead."
    own = urlsplit(settings.connector_base_urls.get(provider, connector.base_url))
    if (urlsplit(url).scheme, urlsplit(url).netloc) != (own.scheme, own.netloc):
        own_address = f"{own.scheme}://{own.netloc}"
        return f"The {provider} connection is for {own_address} alone; another address needs secrets of its own."
    return None


def _reading(definition: Definition, custom: CustomFields) -> FileReading:
    config: SourceConfig = definition.data.config
    wanted = Wanted(read_encoding(config.encoding), read_delimiter(config.delimiter), definition.data.mapping or None)
    return FileReading(definition.data.record_type, wanted, custom)


def _download(fetcher: Fetcher, call: Call, *, head_only: bool) -> Any:
    async def fill(spool: BinaryIO) -> bool:
        answer = await fetcher.into(call, spool, enough=HEAD if head_only else None)
        if urlsplit(answer.url).hostname == "accounts.google.com":
            raise SourceError("The sheet is not shared with everyone who has its link.")
        return answer.whole

    return fill
