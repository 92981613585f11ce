"""Errors of tenancy and credentials."""

from drippulse.kit.errors import ConflictError, RateLimitedError, UnauthenticatedError, ValidationError


class InvalidCredentialsError(UnauthenticatedError):
    """One sentence for unknown users and wrong passwords alike."""

    code = "invalid_credentials"

    def __init__(self) -> None:
        super().__init__("Username or password is wrong.")


class TooManyLoginsError(RateLimitedError):
    """The same for accounts and addresses, known or not. `first` tells the first refusal of a window from the rest."""

    code = "too_many_logins"

    def __init__(self, retry_after: int, *, first: bool = False) -> None:
        super().__init__(f"Too many failed logins. Try again in {-(-retry_after // 60)} minutes.", retry_after)
        self.first = first


class InvalidTokenError(UnauthenticatedError):
    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__(
            "This bearer token is not valid, has expired or was revoked. "
            "Send an organization API key or a fresh session token as `Authorization: Bearer ...`."
        )


class MissingTokenError(UnauthenticatedError):
    def __init__(self) -> None:
        super().__init__("Send an organization API key or a session token as `Authorization: Bearer ...`.")


class UnknownRoleError(ValidationError):
    code = "unknown_role"


class UnknownOrganizationError(ValidationError):
    code = "unknown_organization"


class UsernameTakenError(ConflictError):
    code = "username_taken"
