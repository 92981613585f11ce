"""What can go wrong in a connector, sorted by what the caller does next.

    ConnectorError
    ├── RetriableError          nothing happened, or repeating is harmless: try again, after `retry_after` if set
    │   ├── RateLimited
    │   └── ProviderUnavailable
    ├── FatalError              the same call fails again: a person or a changed input has to help
    │   ├── InvalidInput            the payload; `errors` names the fields
    │   ├── InvalidCredentials      the connection's own fields; `errors` names them
    │   ├── AuthenticationFailed    the provider refuses the credentials; `needs_reauth`
    │   ├── PermissionDenied        the credentials are good and may not do this
    │   ├── NotFound                the provider does not know the target
    │   ├── Rejected                the provider refuses the request
    │   ├── EgressRefused           the platform's egress guard refuses the address
    │   └── UnsupportedAction       no such action
    └── OutcomeUnknown          a call that must not be repeated may have had its effect

The names say what happened, as httpx's do, hence no `Error` suffix below the three groups.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

REDACTED = "[redacted]"


class ConnectorError(Exception):
    """The base of everything a connector raises on purpose.

    Args:
        message: a sentence for people; never holds a secret.
        code: stable snake_case word for programs; default: the class's own.
        retry_after: seconds to wait before the next try, when the provider said so.
        provider_code: the provider's own word for it (`channel_not_found`), when it sent one.
        errors: field path -> sentences, for input and credentials.
    """

    default_code: ClassVar[str] = "connector_error"
    needs_reauth: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        provider_code: str | None = None,
        errors: Mapping[str, list[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.retry_after = retry_after
        self.provider_code = provider_code
        self.errors: dict[str, list[str]] = dict(errors or {})

    def redact(self, secrets: Iterable[str]) -> None:
        """Blot `secrets` out of every text of this error, in place; the longest first, as one may hold another."""
        ordered = sorted(secrets, key=len, reverse=True)
        self.message = _blot(self.message, ordered)
        self.args = (self.message,)
        self.provider_code = self.provider_code and _blot(self.provider_code, ordered)
        self.errors = {
            _blot(field, ordered): [_blot(text, ordered) for text in texts] for field, texts in self.errors.items()
        }


class RetriableError(ConnectorError):
    """Nothing happened, or doing it again is harmless."""

    default_code = "retriable"


class RateLimited(RetriableError):  # noqa: N818
    """The provider asks to slow down; `retry_after` holds its seconds when it gave any."""

    default_code = "rate_limited"


class ProviderUnavailable(RetriableError):  # noqa: N818
    """The provider cannot be reached or fails for a while."""

    default_code = "provider_unavailable"


class FatalError(ConnectorError):
    """The same call will fail again."""

    default_code = "fatal"


class InvalidInput(FatalError):  # noqa: N818
    """The payload does not fit the action; `errors` names each field."""

    default_code = "invalid_input"


class InvalidCredentials(FatalError):  # noqa: N818
    """The connection's fields are missing, unknown or malformed; nothing was sent."""

    default_code = "invalid_credentials"


class AuthenticationFailed(FatalError):  # noqa: N818
    """The provider refuses the credentials: the connection needs new ones."""

    default_code = "authentication_failed"
    needs_reauth = True


class PermissionDenied(FatalError):  # noqa: N818
    """The credentials are good and may not do this: a scope, a role or a membership is missing."""

    default_code = "permission_denied"


class NotFound(FatalError):  # noqa: N818
    """The provider does not know the thing the call is about."""

    default_code = "not_found"


class Rejected(FatalError):  # noqa: N818
    """The provider understood the request and refuses it."""

    default_code = "rejected"


class EgressRefused(FatalError):  # noqa: N818
    """The platform's egress guard refuses the address; an injected client raises this one itself."""

    default_code = "egress_refused"


class UnsupportedAction(FatalError):  # noqa: N818
    """The connector has no such action."""

    default_code = "unsupported_integration_action"


class OutcomeUnknown(ConnectorError):  # noqa: N818
    """The effect may have happened and the call carries no key that makes repeating it harmless."""

    default_code = "outcome_unknown"


def _blot(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return text
