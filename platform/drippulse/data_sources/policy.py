"""Which definitions can work. Pure."""

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl

import httpx

from drippulse.crm.importing.encodings import read_encoding
from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.layouts import read_delimiter
from drippulse.crm.importing.mapping import given_mapping
from drippulse.crm.importing.state import DedupeBy, default_dedupe
from drippulse.crm.tables import RecordType
from drippulse.data_sources.errors import InvalidDataSourceError
from drippulse.data_sources.schemas import (
    Auth,
    AuthType,
    DataSourceFields,
    Paging,
    PagingType,
    Schedule,
    SourceConfig,
    SourceOptions,
)
from drippulse.data_sources.sources.sheets import export_url
from drippulse.data_sources.tables import SourceType
from drippulse.kit.errors import DomainError, ValidationError
from drippulse.kit.http import static_problem
from drippulse.workflows.cron import never_fires, parse
from drippulse.workflows.templates import shared_templates
from drippulse.workflows.wall_clock import zone

_FILE = ("delimiter", "encoding")
_CALL = ("url", "headers", "auth")
USED: Final[Mapping[SourceType, tuple[str, ...]]] = {
    SourceType.CSV_UPLOAD: _FILE,
    SourceType.CSV_URL: (*_CALL, *_FILE),
    SourceType.JSON_URL: (*_CALL, "items_path"),
    SourceType.HTTP_JSON: (*_CALL, "items_path", "method", "params", "body", "paging"),
    SourceType.GOOGLE_SHEETS: ("url",),
    SourceType.POSTGRES: ("query", "statement_timeout_seconds"),
}
"""Which fields of `config` a type has."""
NEEDED: Final[Mapping[AuthType, str | None]] = {
    AuthType.BEARER: "token",
    AuthType.HEADER: "token",
    AuthType.QUERY: "token",
    AuthType.BASIC: "password",
    AuthType.CONNECTION: None,
}
"""The secret that a way to authenticate needs."""
SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "apikey",
        "x-auth-token",
        "x-access-token",
    }
)
OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "content-type", "upgrade", "te"}
)
SECRET_PARAMETERS: Final = frozenset(
    {
        "access_token",
        "token",
        "api_key",
        "apikey",
        "key",
        "sig",
        "signature",
        "secret",
        "password",
        "auth",
        "client_secret",
    }
)
TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
IDENTITY: Final = {DedupeBy.PUBLIC_ID: "public_id", DedupeBy.EXTERNAL_ID: "external_id", DedupeBy.EMAIL: "email"}
"""The fields by which a row means a record that exists."""


def check(
    data: DataSourceFields,
    secrets: Collection[str],
    custom: Collection[str],
    allow: frozenset[str],
    *,
    development: bool,
) -> None:
    """
    Args:
        secrets: names of those that the source would hold.
        custom: keys of the record type's custom fields.
        allow, development: as for `static_problem`.

    Raises:
        InvalidDataSourceError, ValidationError: the first thing that is wrong, with its place.
    """
    _check_used(data.type, data.config)
    _check_place(data.type, data.config, allow, development=development)
    _check_headers(data.config)
    _check_call(data.config)
    if data.config.auth is not None:
        _check_auth(data.config.auth)
    _check_secrets(data.type, data.config, secrets)
    _check_file(data.config)
    _check_schedule(data.type, data.schedule)
    _check_rows(data.record_type, data, custom)


def _check_used(kind: SourceType, config: SourceConfig) -> None:
    for name in sorted(config.model_fields_set - set(USED[kind])):
        if getattr(config, name) != SourceConfig.model_fields[name].get_default(call_default_factory=True):
            known = ", ".join(USED[kind])
            raise InvalidDataSourceError(f"config.{name}", f"A {kind.value} source has no {name}. It has {known}.")


def _check_place(kind: SourceType, config: SourceConfig, allow: frozenset[str], *, development: bool) -> None:
    if "url" in USED[kind]:
        if not config.url:
            raise InvalidDataSourceError("config.url", f"A {kind.value} source needs the address that it reads.")
        problem = static_problem(config.url, allow, development=development)
        if problem is None and httpx.URL(config.url).userinfo:
            problem = "Credentials do not belong in a URL; use config.auth."
        if problem is not None:
            raise InvalidDataSourceError("config.url", problem)
        for name, _ in parse_qsl(httpx.URL(config.url).query.decode("ascii", "replace"), keep_blank_values=True):
            _refuse_secret_parameter("config.url", name)
    if kind is SourceType.GOOGLE_SHEETS and export_url(config.url or "") is None:
        sentence = "Give the sheet's own link, such as https://docs.google.com/spreadsheets/d/.../edit#gid=0."
        raise InvalidDataSourceError("config.url", sentence)
    if kind is SourceType.POSTGRES:
        first = (config.query or "").lstrip(" \t\r\n(").split(None, 1)
        if not first or first[0].lower() not in {"select", "with", "values", "table"}:
            raise InvalidDataSourceError("config.query", "A postgres source needs one SELECT.")
        if "\0" in (config.query or ""):
            raise InvalidDataSourceError("config.query", "The query holds the character U+0000; remove it.")


def _check_headers(config: SourceConfig) -> None:
    for name, value in config.headers.items():
        place = f"config.headers.{name}"
        if not TOKEN.issuperset(name) or not (value.isascii() and value.isprintable()):
            raise InvalidDataSourceError(place, "A header's name and value are printable ASCII characters.")
        if name.lower() in SECRET_HEADERS:
            sentence = f'Put the secret into secrets.token, and say auth {{"type": "header", "name": "{name}"}}.'
            raise InvalidDataSourceError(place, sentence)
        if name.lower() in OWN_HEADERS:
            raise InvalidDataSourceError(place, "This header is set by the platform; leave it out.")


def _check_call(config: SourceConfig) -> None:
    for name, value in config.params.items():
        _refuse_secret_parameter(f"config.params.{name}", name)
        if (wrong := shared_templates().parse_error(value)) is not None:
            raise InvalidDataSourceError(f"config.params.{name}", f"The template does not parse: {wrong}.")
    if config.body is not None and config.method != "POST":
        raise InvalidDataSourceError("config.body", "Only a POST has a body; say method POST.")
    if config.paging is not None and (sentence := _paging_problem(config.paging)) is not None:
        raise InvalidDataSourceError("config.paging", sentence)


def _check_auth(auth: Auth) -> None:
    if auth.type in {AuthType.HEADER, AuthType.QUERY} and not auth.name:
        raise InvalidDataSourceError("config.auth.name", f"Auth by {auth.type.value} needs its name.")
    name = auth.name or ""
    if auth.type is AuthType.HEADER and (not TOKEN.issuperset(name) or name.lower() in OWN_HEADERS):
        raise InvalidDataSourceError("config.auth.name", "This is no header that a call can have.")
    if auth.type is AuthType.BASIC and not auth.username:
        raise InvalidDataSourceError("config.auth.username", "Basic auth needs a username.")
    if auth.type is AuthType.CONNECTION and auth.connection_id is None:
        raise InvalidDataSourceError("config.auth.connection_id", "Say which integration connection is used.")


def _check_secrets(kind: SourceType, config: SourceConfig, secrets: Collection[str]) -> None:
    needed = None if config.auth is None else NEEDED[config.auth.type]
    needed = "dsn" if kind is SourceType.POSTGRES else needed
    for name in sorted(secrets):
        if name != needed:
            sentence = "Nothing uses this secret here. " + (
                f"It is {needed} that is used." if needed else "Leave it out, or remove it with null."
            )
            raise InvalidDataSourceError(f"secrets.{name}", sentence)
    if needed is not None and needed not in secrets:
        raise InvalidDataSourceError(f"secrets.{needed}", f"This source needs secrets.{needed}; send it along.")


def _check_file(config: SourceConfig) -> None:
    try:
        read_delimiter(config.delimiter)
        read_encoding(config.encoding)
    except UnreadableFileError as error:
        raise InvalidDataSourceError(f"config.{next(iter(error.errors))}", error.message) from None


def _check_schedule(kind: SourceType, schedule: Schedule | None) -> None:
    if schedule is None:
        return
    if kind is SourceType.CSV_UPLOAD:
        raise InvalidDataSourceError("schedule", "A csv_upload source has no schedule; start a run after an upload.")
    if (schedule.cron is None) == (schedule.every_minutes is None):
        raise InvalidDataSourceError("schedule", "Give either cron or every_minutes.")
    try:
        if schedule.timezone is not None:
            zone(schedule.timezone)
    except DomainError as error:
        raise InvalidDataSourceError("schedule.timezone", error.message) from None
    try:
        if schedule.cron is not None and never_fires(parse(schedule.cron)):
            raise ValueError("It never fires: no day of any year fits")
    except ValueError as error:
        raise InvalidDataSourceError("schedule.cron", f"{error}.") from None


def _check_rows(kind: RecordType, options: SourceOptions, custom: Collection[str]) -> None:
    if options.mapping:
        mapping = given_mapping(kind, list(options.mapping), options.mapping, list(custom))
        if (sentence := identity_problem(kind, {*mapping.values(), *options.templates}, options.dedupe_by)) is not None:
            raise InvalidDataSourceError("mapping", sentence)
    try:
        given_mapping(kind, list(options.templates), {name: name for name in options.templates}, list(custom))
    except ValidationError as error:
        place = next(iter(error.errors)).replace("mapping.", "templates.", 1)
        raise InvalidDataSourceError(place, next(iter(error.errors.values()))[0]) from None
    for field, text in options.templates.items():
        if (wrong := shared_templates().parse_error(text)) is not None:
            raise InvalidDataSourceError(f"templates.{field}", f"The template does not parse: {wrong}.")


def identity_problem(kind: RecordType, fields: Collection[str], dedupe_by: Collection[DedupeBy]) -> str | None:
    """Whether rows could be recognized in the next run; a sentence when they could not."""
    wanted = [IDENTITY[by] for by in (dedupe_by or default_dedupe(kind))]
    if any(name in fields for name in wanted):
        return None
    return (
        f"Nothing says which {kind.value} a row means, so that every run would make all of them anew. "
        f"Map a column to {' or '.join(wanted)}."
    )


def _paging_problem(paging: Paging) -> str | None:
    if paging.type in {PagingType.PAGE, PagingType.OFFSET} and not paging.parameter:
        return f"Paging by {paging.type.value} needs `parameter`, the name of its query parameter."
    if paging.type is PagingType.CURSOR and not paging.path:
        return "Paging by cursor needs `path`, where the answer has the next cursor."
    return None


def _refuse_secret_parameter(place: str, name: str) -> None:
    if name.lower().replace("-", "_") in SECRET_PARAMETERS:
        sentence = f'Put the secret into secrets.token, and say auth {{"type": "query", "name": "{name[:100]}"}}.'
        raise InvalidDataSourceError(place, sentence)


def destination(config: SourceConfig) -> str:
    """Where a source's secrets go: scheme, host and port. They are not kept when that changes."""
    if not config.url:
        return ""
    url = httpx.URL(config.url)
    return f"{url.scheme}://{url.host}:{url.port or ''}"
