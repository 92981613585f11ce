"""What people of the organization do with data sources."""

from collections.abc import Mapping
from typing import Any, Final

from drippulse.crm import queries as crm_queries
from drippulse.crm.importing.custom import load_custom_fields
from drippulse.data_sources import queries
from drippulse.data_sources.definitions import columns_of, stored_fields
from drippulse.data_sources.errors import InvalidDataSourceError
from drippulse.data_sources.opening import connection_problem
from drippulse.data_sources.policy import check, destination
from drippulse.data_sources.presentation import present
from drippulse.data_sources.schemas import AuthType, DataSourceFields, DataSourceUpdate, SourceSecrets
from drippulse.data_sources.secrets import seal, unseal
from drippulse.data_sources.sources.postgres import read_dsn
from drippulse.data_sources.state import next_run
from drippulse.data_sources.tables import SourceStatus, SourceType
from drippulse.integrations import queries as connections
from drippulse.kit.clock import Clock
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.lists import read_list
from drippulse.organizations.policy import Principal
from drippulse.settings import Settings

RESOURCE: Final = "data source"
SUBJECT: Final = "data_source"


class DataSources:
    """The service; `clock` says what is the future."""

    def __init__(self, vault: Vault, settings: Settings, clock: Clock) -> None:
        self._vault = vault
        self._settings = settings
        self._clock = clock

    async def create(self, session: Session, principal: Principal, data: DataSourceFields) -> dict[str, Any]:
        """
        Raises:
            InvalidDataSourceError, ValidationError: the definition cannot work.
            NotFoundError: an owner or a connection that is not the organization's.
        """
        organization_id = principal.organization_id
        values = _merged({}, data.secrets)
        await self._check(session, principal, data, values)
        source_id = await queries.next_id(session)
        secrets = (seal(values, self._vault, organization_id, source_id), sorted(values))
        due = await self._next_run(session, principal, data)
        await queries.insert(session, organization_id, source_id, columns_of(data), secrets, due)
        await audit.record(session, principal, AuditAction.DATA_SOURCE_CREATED, (SUBJECT, source_id), _details(data))
        return await get_data_source(session, principal, source_id)

    async def update(
        self, session: Session, principal: Principal, source_id: int, data: DataSourceUpdate
    ) -> dict[str, Any]:
        """Change what was sent. A new cursor column begins anew; another host needs its secrets sent along. Raises what
        `create` raises, and NotFoundError."""
        organization_id = principal.organization_id
        row = await require_data_source(session, principal, source_id, lock=True)
        before = DataSourceFields.model_validate(stored_fields(row))
        if "type" in data.model_fields_set and data.type is not before.type:
            raise InvalidDataSourceError("type", "The type of a data source cannot change; make a new one.")
        sent = data.model_dump(mode="json", exclude_unset=True, exclude={"secrets"})
        after = DataSourceFields.model_validate({**stored_fields(row), **sent})
        held = unseal(row["secrets"], self._vault, organization_id, source_id) if row["secrets"] else {}
        values = _merged(held, data.secrets)
        _refuse_moved(before, after, held, data.secrets)
        await self._check(session, principal, after, values)
        same = before.incremental == after.incremental and before.record_type == after.record_type
        secrets = (seal(values, self._vault, organization_id, source_id), sorted(values))
        due = row["next_run_at"]
        if due is None or (before.schedule, before.status) != (after.schedule, after.status):
            due = await self._next_run(session, principal, after)
        await queries.update(session, organization_id, source_id, columns_of(after), secrets, due, keep_cursor=same)
        details = {**_details(after), "fields": sorted(data.model_fields_set)}
        await audit.record(session, principal, AuditAction.DATA_SOURCE_UPDATED, (SUBJECT, source_id), details)
        return await get_data_source(session, principal, source_id)

    async def _check(
        self, session: Session, principal: Principal, data: DataSourceFields, secrets: Mapping[str, str]
    ) -> None:
        organization_id, settings = principal.organization_id, self._settings
        custom = await load_custom_fields(session, data.record_type, organization_id)
        check(data, secrets, custom.labels, settings.egress_allow, development=settings.development)
        if data.type is SourceType.POSTGRES:
            read_dsn(secrets["dsn"], settings.egress_allow)
        auth = data.config.auth
        if auth is not None and auth.type is AuthType.CONNECTION:
            row = await connections.by_id(session, organization_id, auth.connection_id or 0)
            if row is None:
                raise not_found("integration connection")
            if (sentence := connection_problem(row, data.config.url or "", settings)) is not None:
                raise InvalidDataSourceError("config.auth.connection_id", sentence)
        if data.owner_id is not None and not await crm_queries.is_member(session, organization_id, data.owner_id):
            raise not_found("user")

    async def _next_run(self, session: Session, principal: Principal, data: DataSourceFields) -> Any:
        schedule = data.schedule
        if schedule is None or data.status is SourceStatus.PAUSED:
            return None
        timezone = schedule.timezone or await queries.timezone_of(session, principal.organization_id)
        return next_run(schedule.cron, schedule.every_minutes, timezone, self._clock())


async def list_data_sources(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    return await read_list(session, principal.organization_id, queries.LIST, wanted, present)


async def get_data_source(session: Session, principal: Principal, source_id: int) -> dict[str, Any]:
    """Raises NotFoundError for unknown and foreign ids alike."""
    return present(await require_data_source(session, principal, source_id))


async def require_data_source(session: Session, principal: Principal, source_id: int, *, lock: bool = False) -> Record:
    """The row with its ciphertext. Raises NotFoundError."""
    row = await queries.by_id(session, principal.organization_id, source_id, lock=lock)
    if row is None:
        raise not_found(RESOURCE)
    return row


async def delete_data_source(session: Session, principal: Principal, source_id: int) -> None:
    """With its runs, its file and its secrets; a run that is under way stops. Records stay. Raises NotFoundError."""
    row = await require_data_source(session, principal, source_id, lock=True)
    await queries.delete(session, principal.organization_id, source_id)
    details = {"name": row["name"], "type": row["type"]}
    await audit.record(session, principal, AuditAction.DATA_SOURCE_DELETED, (SUBJECT, source_id), details)


def _merged(held: Mapping[str, str], given: SourceSecrets | None) -> dict[str, str]:
    """What is held after `given`: new values in, null ones out."""
    sent = {} if given is None else {name: getattr(given, name) for name in given.model_fields_set}
    for name, value in sent.items():
        if value is not None and not (value.isascii() and value.isprintable()):
            raise InvalidDataSourceError(f"secrets.{name}", "It holds a character that no secret of this kind has.")
    return {name: value for name, value in {**held, **sent}.items() if value is not None}


def _refuse_moved(
    before: DataSourceFields, after: DataSourceFields, held: Mapping[str, str], given: SourceSecrets | None
) -> None:
    """A secret goes only where it was meant to go: who may change a source does not learn what it holds."""
    sent = set[str]() if given is None else given.model_fields_set
    kept = sorted(set(held) - sent - {"dsn"})
    if kept and destination(before.config) != destination(after.config):
        sentence = (
            "The address has changed to another host, so that the stored secret is not sent there; send it again."
        )
        raise InvalidDataSourceError(f"secrets.{kept[0]}", sentence)


def _details(data: DataSourceFields) -> dict[str, object]:
    return {"name": data.name, "type": data.type.value, "record_type": data.record_type.value}
