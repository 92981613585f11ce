"""Steps calling connectors: from (organization, provider, connection_key) to a live connector and back to an outcome.

No database transaction is open while a provider is asked.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
import structlog

from drippulse.integrations import queries, state
from drippulse.integrations.credentials import unseal
from drippulse.integrations.errors import UnreadableSecretsError
from drippulse.integrations.outbound import connect, redacted_traceback
from drippulse.integrations.registry import load_connectors, resolve
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Record, Role
from drippulse.kit.http import OutboundHttp
from drippulse.settings import Settings
from drippulse.workflows.steps.base import Guarantee, Outcome, OutcomeKind
from drippulse_connector_sdk import Connector, ConnectorError

DATABASE_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


class LiveConnectors:
    """Implements `ConnectorCalls`. `http` stays the caller's to close; `connectors` default to the installed ones."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        http: OutboundHttp,
        settings: Settings,
        connectors: Mapping[str, type[Connector]] | None = None,
    ) -> None:
        self._database = database
        self._vault = vault
        self._http = http
        self._settings = settings
        self._connectors = load_connectors() if connectors is None else connectors

    def guarantee(self, provider: str, action: str) -> Guarantee:
        """What the action's idempotency gives; at most once for what is not there."""
        connector = self._connectors.get(_key(provider))
        found = None if connector is None else connector.actions.get(action)
        return Guarantee.AT_MOST_ONCE if found is None else state.GUARANTEES[found.idempotency]

    async def call(
        self,
        organization_id: int,
        provider: str,
        connection_key: str,
        action: str,
        payload: Mapping[str, Any],
        idempotency_key: str,
    ) -> Outcome:
        """One call of an action with the connection's credentials; never raises for what the outside world does."""
        key = _key(provider)
        connector = self._connectors.get(key)
        if connector is None or action not in connector.actions:
            return _unsupported(key, action, connector)
        try:
            row = await self._load(organization_id, key, connection_key)
        except DATABASE_AWAY as error:
            log.warning("connection_not_loaded", provider=key, reason=type(error).__name__)
            message = "The connection could not be read from the database; nothing was sent."
            return Outcome(OutcomeKind.RETRY, code="connection_not_loaded", message=message)
        status = None if row is None else ConnectionStatus(row["status"])
        problem = state.unusable(key, connection_key, status)
        if problem is not None or row is None:
            return problem or Outcome(OutcomeKind.FAILED, code="connection_missing")
        try:
            values = unseal(row["secrets"], self._vault, organization_id, row["id"])
        except UnreadableSecretsError as error:
            return Outcome(OutcomeKind.FAILED, code=error.error_code, message=error.message)
        outcome, refused = await self._invoke(connector, values, action, payload, idempotency_key)
        if refused:
            await self._park(organization_id, row)
        return outcome

    async def _load(self, organization_id: int, provider: str, connection_key: str) -> Record | None:
        async with self._database.session(Role.ENGINE, organization_id) as session:
            return await queries.by_key(session, organization_id, provider, connection_key)

    async def _invoke(
        self,
        connector: type[Connector],
        values: Mapping[str, str],
        action: str,
        payload: Mapping[str, Any],
        idempotency_key: str,
    ) -> tuple[Outcome, bool]:
        """The outcome, and whether the provider refused the credentials."""
        try:
            live = connect(connector, values, self._http, self._settings)
            result = await live.invoke(action, payload, idempotency_key)
        except ConnectorError as error:
            error.redact(values.values())
            return state.outcome_of(error), error.needs_reauth
        except Exception as error:  # noqa: BLE001 - a connector that breaks may have had its effect
            log.error(
                "connector_broke",
                provider=connector.key,
                action=action,
                traceback=redacted_traceback(error, values),
            )
            message = f"The {connector.key} connector broke during {action} ({type(error).__name__}); see the log."
            return Outcome(OutcomeKind.UNKNOWN, code="connector_error", message=message), False
        return Outcome(OutcomeKind.DONE, output=result.output, logs=(f"Called {connector.key} {action}",)), False

    async def _park(self, organization_id: int, row: Record) -> None:
        """A failure to write it down changes nothing about the outcome: the next call is refused again."""
        log.warning("connection_needs_reauth", connection_id=row["id"], provider=row["provider"])
        try:
            async with self._database.session(Role.ENGINE, organization_id) as session:
                await queries.park(session, organization_id, row["id"], row["secrets"])
        except DATABASE_AWAY as error:
            log.warning("connection_not_parked", connection_id=row["id"], reason=type(error).__name__)


def _key(provider: str) -> str:
    return resolve(provider) or provider


def _unsupported(provider: str, action: str, connector: type[Connector] | None) -> Outcome:
    if connector is None:
        message = f"No connector for {provider} is installed on this server; install its package and restart."
    else:
        message = f'{provider} has no action "{action}". It has {", ".join(sorted(connector.actions))}.'
    return Outcome(OutcomeKind.FAILED, code="unsupported_integration_action", message=message)
