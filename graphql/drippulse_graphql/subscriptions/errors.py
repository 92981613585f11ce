"""Why a subscription is refused or ends."""

from typing import Any

from drippulse.kit.errors import DomainError, RateLimitedError

RETRY_SECONDS = 30


class TooManySubscriptionsError(RateLimitedError):
    """Of one connection, or of an organization in one process."""

    code = "too_many_subscriptions"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, RETRY_SECONDS)


class CredentialEndedError(DomainError):
    """Revoked, expired, signed out, removed, or of another role by now."""

    code = "credential_ended"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "The credential of this connection is not valid any more, or its role has changed. Sign in again."
        )


class RefusedError(Exception):
    """The subscription field itself answered errors, in GraphQL's form."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors
