"""Errors of send safety."""

from drippulse.kit.errors import DomainError, UnauthenticatedError, ValidationError


class BounceCredentialError(UnauthenticatedError):
    """Neither signature nor token is one of this organization's."""

    code = "invalid_bounce_credential"

    def __init__(self) -> None:
        super().__init__(
            "Sign the call with the secret of GET /api/v1/sending/bounce_webhook and name the `organization`, or use "
            "the token URL shown there."
        )


class UnknownBounceFormatError(ValidationError):
    """The body is none of the formats, or no row of it can be read."""

    code = "unknown_bounce_format"


class InvalidAddressError(DomainError):
    code = "invalid_email"
    status = 422
