"""Connections in the database, a connector that misbehaves on demand, and secrets that must show up nowhere."""

from collections.abc import Mapping

from drippulse.integrations import queries
from drippulse.integrations.credentials import seal
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Record
from drippulse_connector_sdk import (
    ActionCall,
    ActionInput,
    ActionOutput,
    ApiKey,
    Connector,
    Idempotency,
    action,
    raise_for_status,
)

CANARY = "canary-7f3a9c51"
SLACK_TOKEN = f"xoxb-{CANARY}"
ACME_KEY = f"acme-{CANARY}"


class AcmeInput(ActionInput):
    text: str = ""


class AcmeOutput(ActionOutput):
    status: int


class AcmeConnector(Connector):
    """One action of each kind of idempotency, and two that break."""

    key = "acme"
    name = "Acme"
    description = "A provider for tests."
    base_url = "https://api.acme.invalid"
    auth = ApiKey(header="X-Acme-Key")

    @action(name="read", title="Read", description="Reads.", idempotency=Idempotency.READ)
    async def read(self, call: ActionCall, data: AcmeInput) -> AcmeOutput:
        return await self._post(call, data)

    @action(name="upsert", title="Upsert", description="Upserts.", idempotency=Idempotency.UPSERT)
    async def upsert(self, call: ActionCall, data: AcmeInput) -> AcmeOutput:
        return await self._post(call, data)

    @action(name="keyed", title="Keyed", description="Keyed.", idempotency=Idempotency.KEYED)
    async def keyed(self, call: ActionCall, data: AcmeInput) -> AcmeOutput:
        return await self._post(call, data)

    @action(name="once", title="Once", description="At most once.", idempotency=Idempotency.AT_MOST_ONCE)
    async def once(self, call: ActionCall, data: AcmeInput) -> AcmeOutput:
        return await self._post(call, data)

    @action(name="broken", title="Broken", description="Breaks.", idempotency=Idempotency.AT_MOST_ONCE)
    async def broken(self, call: ActionCall, data: AcmeInput) -> AcmeOutput:
        raise ZeroDivisionError(f"{call.action} broke with {self.credentials['api_key']} and {data.text}")

    async def check(self, call: ActionCall) -> None:
        await self._post(call, AcmeInput())

    async def _post(self, call: ActionCall, data: AcmeInput) -> AcmeOutput:
        headers = self.auth.headers(self.credentials) | {"Idempotency-Key": call.idempotency_key or ""}
        response = await self.send(call, "POST", self.url("/do"), headers=headers, json=data.model_dump())
        return AcmeOutput(status=raise_for_status(response, repeatable=call.repeatable).status_code)


async def store(
    database: Database,
    vault: Vault,
    organization_id: int,
    provider: str,
    values: Mapping[str, str],
    *,
    key: str = "default",
    status: ConnectionStatus = ConnectionStatus.ACTIVE,
) -> int:
    """A connection as the service stores it, for providers whether installed or not; its id."""
    async with database.tenant(organization_id) as session:
        connection_id = await queries.next_id(session)
        await queries.insert(
            session,
            organization_id,
            connection_id,
            provider=provider,
            connection_key=key,
            status=status,
            note="",
            secrets=seal(values, vault, organization_id, connection_id),
            secret_names=list(values),
        )
    return connection_id


async def stored(database: Database, organization_id: int, connection_id: int) -> Record:
    """The row as it is in the database."""
    async with database.tenant(organization_id) as session:
        row = await queries.by_id(session, organization_id, connection_id)
    assert row is not None
    return row
