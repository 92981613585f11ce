"""What connections do: keep a provider's credentials encrypted, and tell everything but them."""

from typing import Any

import asyncpg

from drippulse.integrations import queries
from drippulse.integrations.credentials import merged, seal, unseal
from drippulse.integrations.errors import ConnectionExistsError
from drippulse.integrations.registry import installed, known_providers, resolve
from drippulse.integrations.schemas import ConnectionCreate, ConnectionUpdate
from drippulse.integrations.state import next_status
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.clock import isoformat
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.pagination import ListRequest, listed
from drippulse.kit.text import did_you_mean
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.policy import Principal

RESOURCE = "integration connection"
SUBJECT = "integration_connection"
OWN_FIELDS = tuple(ConnectionCreate.model_fields)


def present(row: Record) -> dict[str, Any]:
    """The resource as every edge answers it."""
    return {
        "id": row["id"],
        "provider": row["provider"],
        "connection_key": row["connection_key"],
        "external_key": row["connection_key"],
        "status": row["status"],
        "note": row["note"],
        "secret_names": row["secret_names"],
        "connector_installed": row["provider"] in installed().connectors,
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


async def list_connections(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    """`{integration_connections, total_count}`, newest first; paginated answers also have `next_cursor`."""
    organization = principal.organization_id
    rows = await queries.page(session, organization, wanted)
    total = await queries.count(session, organization, wanted) if wanted.page.paginated else len(rows)
    return listed("integration_connections", rows, wanted.page, present, total)


async def get_connection(session: Session, principal: Principal, connection_id: int) -> dict[str, Any]:
    """Raises NotFoundError."""
    return present(await require_connection(session, principal, connection_id))


async def require_connection(
    session: Session, principal: Principal, connection_id: int, *, lock: bool = False
) -> Record:
    """The row with its ciphertext. Raises NotFoundError for unknown and foreign ids alike."""
    row = await queries.by_id(session, principal.organization_id, connection_id, lock=lock)
    if row is None:
        raise not_found(RESOURCE)
    return row


async def create_connection(
    session: Session, principal: Principal, vault: Vault, data: ConnectionCreate
) -> dict[str, Any]:
    """Raises ValidationError for the provider or its fields, ConnectionExistsError for a taken key."""
    organization = principal.organization_id
    provider = require_provider(data.provider)
    key = _new_key(data, "default")
    values = merged(provider, {}, data.given_secrets(), OWN_FIELDS)
    connection_id = await queries.next_id(session)
    made = await queries.insert(
        session,
        organization,
        connection_id,
        provider=provider,
        connection_key=key,
        status=next_status(ConnectionStatus.ACTIVE, data.status, new_secrets=True),
        note=data.note,
        secrets=seal(values, vault, organization, connection_id),
        secret_names=list(values),
    )
    if not made:
        raise ConnectionExistsError(provider, key)
    details = {"provider": provider, "connection_key": key}
    await audit.record(session, principal, AuditAction.CONNECTION_CREATED, (SUBJECT, connection_id), details)
    return await get_connection(session, principal, connection_id)


async def update_connection(
    session: Session, principal: Principal, vault: Vault, connection_id: int, data: ConnectionUpdate
) -> dict[str, Any]:
    """Change what was sent. Secrets are merged into the stored ones; null removes one.

    Raises:
        NotFoundError, ValidationError, ConnectionExistsError
        UnreadableSecretsError: secrets were sent and the stored ones cannot be decrypted.
    """
    organization = principal.organization_id
    row = await require_connection(session, principal, connection_id, lock=True)
    _refuse_other_provider(row, data.provider)
    key = _new_key(data, row["connection_key"])
    given = data.given_secrets()
    blob, names = row["secrets"], row["secret_names"]
    if given:
        stored = unseal(blob, vault, organization, connection_id)
        values = merged(row["provider"], stored, given, OWN_FIELDS)
        blob, names = seal(values, vault, organization, connection_id), list(values)
    try:
        await queries.update(
            session,
            organization,
            connection_id,
            connection_key=key,
            status=next_status(ConnectionStatus(row["status"]), data.status, new_secrets=bool(given)),
            note=row["note"] if data.note is None else data.note,
            secrets=blob,
            secret_names=names,
        )
    except asyncpg.UniqueViolationError:
        raise ConnectionExistsError(row["provider"], key) from None
    details = {"provider": row["provider"], "connection_key": key, "fields": sorted({*data.model_fields_set, *given})}
    await audit.record(session, principal, AuditAction.CONNECTION_UPDATED, (SUBJECT, connection_id), details)
    return await get_connection(session, principal, connection_id)


async def delete_connection(session: Session, principal: Principal, connection_id: int) -> None:
    """The row and its ciphertext are gone; steps that name it fail with `connection_missing`."""
    if not await queries.delete(session, principal.organization_id, connection_id):
        raise not_found(RESOURCE)
    await audit.record(session, principal, AuditAction.CONNECTION_DELETED, (SUBJECT, connection_id))


def require_provider(text: str) -> str:
    """The provider key, aliases resolved. Raises ValidationError, which names the nearest one."""
    provider = resolve(text)
    if provider is None:
        known = known_providers()
        sentence = f'"{text[:100]}" is not a known provider.{did_you_mean(text, known)} Known are {", ".join(known)}.'
        raise ValidationError(sentence, errors={"provider": [sentence]})
    return provider


def _refuse_other_provider(row: Record, text: str | None) -> None:
    if text is not None and require_provider(text) != row["provider"]:
        sentence = "The provider of a connection cannot change; make a new connection."
        raise ValidationError(sentence, errors={"provider": [sentence]})


def _new_key(data: ConnectionCreate | ConnectionUpdate, current: str) -> str:
    """connection_key under either name; one that only echoes what is stored does not count against the other.

    Raises:
        ValidationError: the two names differ, or null was sent.
    """
    names = [name for name in ("connection_key", "external_key") if name in data.model_fields_set]
    sent = {getattr(data, name) for name in names} - {None}
    changed = sent - {current} if len(sent) > 1 else sent
    if len(changed) > 1:
        sentence = "connection_key and external_key are two names for one thing and differ here; send one."
        raise ValidationError(sentence, errors={"external_key": [sentence]})
    return next(iter(changed), current)
