"""What a connector's error means for a step, and what never gets into a text."""

import pytest

from drippulse.integrations.outbound import redact
from drippulse.integrations.state import explain, next_status, outcome_of, unusable
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.errors import ValidationError
from drippulse.workflows.steps.base import OutcomeKind
from drippulse_connector_sdk import (
    AuthenticationFailed,
    ConnectorError,
    EgressRefused,
    InvalidInput,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    Rejected,
)

ACTIVE, DISABLED, PARKED = ConnectionStatus.ACTIVE, ConnectionStatus.DISABLED, ConnectionStatus.NEEDS_REAUTH


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (RateLimited("Slow down."), OutcomeKind.RETRY, "rate_limited"),
        (ProviderUnavailable("Away."), OutcomeKind.RETRY, "provider_unavailable"),
        (AuthenticationFailed("No."), OutcomeKind.FAILED, "authentication_failed"),
        (InvalidInput("No."), OutcomeKind.FAILED, "invalid_input"),
        (EgressRefused("No."), OutcomeKind.FAILED, "egress_refused"),
        (Rejected("No.", code="too_long"), OutcomeKind.FAILED, "too_long"),
        (OutcomeUnknown("Lost."), OutcomeKind.UNKNOWN, "outcome_unknown"),
        (ConnectorError("Odd."), OutcomeKind.UNKNOWN, "connector_error"),
    ],
)
def test_errors_are_sorted_by_recovery(error: ConnectorError, kind: OutcomeKind, code: str) -> None:
    outcome = outcome_of(error)
    assert (outcome.kind, outcome.code, outcome.message) == (kind, code, error.message)


def test_the_providers_waiting_time_is_passed_on() -> None:
    assert outcome_of(RateLimited("Slow down.", retry_after=7.5)).retry_after == 7.5


def test_field_errors_are_told_once() -> None:
    error = InvalidInput("The payload is not right: text.", errors={"text": ["Too long."], "channel": ["not right"]})
    assert explain(error) == "The payload is not right: text. text: Too long."


@pytest.mark.parametrize(
    ("status", "code"),
    [(None, "connection_missing"), (DISABLED, "connection_disabled"), (PARKED, "connection_needs_reauth")],
)
def test_a_connection_that_cannot_be_used_says_the_way_out(status: ConnectionStatus | None, code: str) -> None:
    outcome = unusable("slack", "sales", status)
    assert outcome is not None
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, code)
    assert 'slack connection "sales"' in outcome.message
    assert unusable("slack", "sales", ACTIVE) is None


@pytest.mark.parametrize(
    ("current", "sent", "new_secrets", "after"),
    [
        (PARKED, None, True, ACTIVE),
        (PARKED, PARKED, True, ACTIVE),
        (PARKED, None, False, PARKED),
        (PARKED, PARKED, False, PARKED),
        (PARKED, ACTIVE, False, ACTIVE),
        (DISABLED, None, True, DISABLED),
        (ACTIVE, DISABLED, True, DISABLED),
        (ACTIVE, None, False, ACTIVE),
    ],
)
def test_new_secrets_end_needs_reauth_and_nothing_else(
    current: ConnectionStatus, sent: ConnectionStatus | None, new_secrets: bool, after: ConnectionStatus
) -> None:
    assert next_status(current, sent, new_secrets=new_secrets) is after


@pytest.mark.parametrize("current", [ACTIVE, DISABLED])
def test_nobody_but_the_server_sets_needs_reauth(current: ConnectionStatus) -> None:
    with pytest.raises(ValidationError):
        next_status(current, PARKED, new_secrets=True)


def test_secrets_are_blotted_out_in_every_form_longest_first() -> None:
    text = redact("a/b+c a%2Fb%2Bc a/b x\\ny id", ["a/b", "a/b+c", "x\ny", "id"])
    assert text == "[redacted] [redacted] a/b [redacted] id"
