"""Domain errors: a stable code, an HTTP status, a sentence that helps. Each edge maps them once."""

from typing import ClassVar


class DomainError(Exception):
    """The base of every error a caller may see.

    Args:
        message: a full sentence that says what is wrong and the way out.
        errors: field path (`steps.2.config.duration`) -> sentences, for validation.
        extra: further members of the error body, as the contract documents them.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        errors: dict[str, list[str]] | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.errors = errors or {}
        self.extra = extra or {}


class BadRequestError(DomainError):
    """Malformed JSON or a missing parameter."""

    code = "bad_request"
    status = 400


class UnauthenticatedError(DomainError):
    """No credential, or one that is not valid any more."""

    code = "unauthorized"
    status = 401


class ForbiddenError(DomainError):
    """The credential's role may not do this."""

    code = "forbidden"
    status = 403


class NotFoundError(DomainError):
    """No such resource in this organization; a foreign id answers exactly the same."""

    code = "not_found"
    status = 404


class ConflictError(DomainError):
    """The resource's state does not allow it, or it exists already."""

    code = "conflict"
    status = 409


class ValidationError(DomainError):
    """The input was understood and is not acceptable; `errors` names each field."""

    code = "validation_failed"
    status = 422


class RateLimitedError(DomainError):
    """Too many calls; `retry_after` is the seconds until the next is taken."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def not_found(resource: str) -> NotFoundError:
    """The one body for unknown, deleted and foreign ids of `resource` (a word such as "workflow")."""
    return NotFoundError(
        f"No {resource} with this id exists in your organization.", code=f"{resource.replace(' ', '_')}_not_found"
    )
