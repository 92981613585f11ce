"""Pure decisions: what a connector's error means for a step, and which status a connection takes."""

from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.errors import ValidationError
from drippulse.workflows.steps.base import Guarantee, Outcome, OutcomeKind
from drippulse_connector_sdk import ConnectorError, FatalError, Idempotency, RetriableError

GUARANTEES = {
    Idempotency.READ: Guarantee.AT_LEAST_ONCE,
    Idempotency.UPSERT: Guarantee.KEYED,
    Idempotency.KEYED: Guarantee.KEYED,
    Idempotency.AT_MOST_ONCE: Guarantee.AT_MOST_ONCE,
}
MAX_MESSAGE = 1000


def outcome_of(error: ConnectorError) -> Outcome:
    """The SDK's taxonomy, sorted by recovery, as the engine's outcome. The error's texts are redacted already."""
    if isinstance(error, RetriableError):
        kind = OutcomeKind.RETRY
    elif isinstance(error, FatalError):
        kind = OutcomeKind.FAILED
    else:
        kind = OutcomeKind.UNKNOWN
    return Outcome(kind, code=error.code, message=explain(error), retry_after=error.retry_after)


def explain(error: ConnectorError) -> str:
    """The error's sentence with those of its fields, where it does not say them itself."""
    details = [
        f"{field}: {text}" for field, texts in error.errors.items() for text in texts if text not in error.message
    ]
    return " ".join([error.message, *details])[:MAX_MESSAGE]


def unusable(provider: str, connection_key: str, status: ConnectionStatus | None) -> Outcome | None:
    """Why a step cannot use the connection, with the way out; None when it can. `status` None: there is none."""
    name = f'The {provider} connection "{connection_key}"'
    if status is None:
        message = f"{name} does not exist. Store it with POST /api/v1/integration_connections, or name another one."
        return Outcome(OutcomeKind.FAILED, code="connection_missing", message=message)
    if status is ConnectionStatus.DISABLED:
        message = f"{name} is disabled. Set its status to active, or name another one."
        return Outcome(OutcomeKind.FAILED, code="connection_disabled", message=message)
    if status is ConnectionStatus.NEEDS_REAUTH:
        message = f"{name} needs new credentials: {provider} refused those it has. Store new ones in the connection."
        return Outcome(OutcomeKind.FAILED, code="connection_needs_reauth", message=message)
    return None


def next_status(current: ConnectionStatus, sent: ConnectionStatus | None, *, new_secrets: bool) -> ConnectionStatus:
    """The status after an update. New secrets end needs_reauth, which nobody but the server sets.

    Raises:
        ValidationError: needs_reauth was asked for.
    """
    if sent is ConnectionStatus.NEEDS_REAUTH:
        if current is not ConnectionStatus.NEEDS_REAUTH:
            sentence = "needs_reauth is set by the server when a provider refuses the credentials; send disabled."
            raise ValidationError(sentence, errors={"status": [sentence]})
        sent = None
    if sent is not None:
        return sent
    return ConnectionStatus.ACTIVE if new_secrets and current is ConnectionStatus.NEEDS_REAUTH else current
