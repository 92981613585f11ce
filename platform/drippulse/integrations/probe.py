"""Asking a provider whether a connection works, outside of any transaction."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from drippulse.integrations import queries
from drippulse.integrations.credentials import unseal
from drippulse.integrations.errors import ConnectionTestFailedError, ConnectorNotInstalledError
from drippulse.integrations.outbound import connect, redacted_traceback
from drippulse.integrations.registry import load_connectors
from drippulse.integrations.service import SUBJECT, present, require_connection
from drippulse.integrations.state import explain
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Record
from drippulse.kit.http import OutboundHttp
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.policy import Principal
from drippulse.settings import Settings
from drippulse_connector_sdk import Connector, ConnectorError, ProviderUnavailable

PROBE_SECONDS = 30.0

log = structlog.get_logger(__name__)


async def probe_connection(
    database: Database,
    vault: Vault,
    settings: Settings,
    principal: Principal,
    connection_id: int,
    connectors: Mapping[str, type[Connector]] | None = None,
) -> dict[str, Any]:
    """`{ok, message, integration_connection}`. needs_reauth becomes active when the provider accepts the credentials
    again, and active becomes needs_reauth when it refuses them; a disabled connection stays disabled.

    Raises:
        NotFoundError, ConnectorNotInstalledError, UnreadableSecretsError
        ConnectionTestFailedError: `extra` has `reason` (the connector's error code) and `retry_after`.
    """
    organization = principal.organization_id
    async with database.tenant(organization) as session:
        row = await require_connection(session, principal, connection_id)
    connector = (load_connectors() if connectors is None else connectors).get(row["provider"])
    if connector is None:
        raise ConnectorNotInstalledError(row["provider"])
    values = unseal(row["secrets"], vault, organization, connection_id)
    failure = await _ask(connector, values, settings)
    async with database.tenant(organization) as session:
        if failure is None:
            await queries.revive(session, organization, connection_id, row["secrets"])
        elif failure.needs_reauth:
            await queries.park(session, organization, connection_id, row["secrets"])
        details = {"provider": row["provider"], "ok": failure is None}
        await audit.record(session, principal, AuditAction.CONNECTION_TESTED, (SUBJECT, connection_id), details)
        after = await require_connection(session, principal, connection_id)
    if failure is not None:
        raise _failed(after, failure)
    message = f"{connector.name} accepts the credentials, as far as that can be asked without an effect."
    return {"ok": True, "message": message, "integration_connection": present(after)}


async def _ask(connector: type[Connector], values: Mapping[str, str], settings: Settings) -> ConnectorError | None:
    http = OutboundHttp(settings.egress_allow, development=settings.development)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await connect(connector, values, http, settings).test_connection()
    except ConnectorError as error:
        error.redact(values.values())
        return error
    except TimeoutError:
        return ProviderUnavailable(f"{connector.name} did not answer within {PROBE_SECONDS:.0f} seconds.")
    except Exception as error:  # noqa: BLE001 - a connector that breaks is a failed test, not a failed request
        log.error("connector_broke", provider=connector.key, traceback=redacted_traceback(error, values))
        return ConnectorError(f"The {connector.key} connector broke ({type(error).__name__}).")
    finally:
        await http.aclose()
    return None


def _failed(row: Record, failure: ConnectorError) -> ConnectionTestFailedError:
    extra: dict[str, object] = {"reason": failure.code, "status": row["status"]}
    if failure.retry_after is not None:
        extra["retry_after"] = failure.retry_after
    return ConnectionTestFailedError(explain(failure), errors=dict(failure.errors), extra=extra)
