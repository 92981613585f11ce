"""What the steps that call a connector share."""

from dataclasses import dataclass
from typing import Any

from drippulse.integrations.registry import known_providers, resolve
from drippulse.kit.text import did_you_mean
from drippulse.workflows.steps.base import Guarantee, Outcome, Problem, Services, StepContext


@dataclass(frozen=True, slots=True)
class ConnectorRequest:
    """One rendered call. `provider` is a provider key, aliases resolved."""

    provider: str
    connection_key: str
    action: str
    payload: dict[str, Any]


def provider_problem(integration_id: str) -> Problem | None:
    """Names the known providers when `integration_id` is neither one nor an alias."""
    if resolve(integration_id) is not None:
        return None
    known = known_providers()
    return Problem(
        "integration_id",
        f'"{integration_id}" is not a known integration.{did_you_mean(integration_id, known)} '
        f"Known are {', '.join(known)}",
    )


def provider_of(integration_id: str) -> str:
    """The provider key; a config that was accepted always has one."""
    return resolve(integration_id) or integration_id


def connector_guarantee(request: ConnectorRequest, services: Services) -> Guarantee:
    """What the action's own idempotency gives."""
    return services.connectors.guarantee(request.provider, request.action)


async def call_connector(request: ConnectorRequest, ctx: StepContext, services: Services) -> Outcome:
    """Calls with the step visit's idempotency key, so that a repeated attempt is recognizable to the provider."""
    return await services.connectors.call(
        ctx.organization_id,
        request.provider,
        request.connection_key,
        request.action,
        request.payload,
        ctx.idempotency_key,
    )
