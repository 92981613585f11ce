"""Errors of the account."""

from drippulse.kit.errors import ConflictError, ForbiddenError, ValidationError


class NameTakenError(ConflictError):
    """Operators call organizations by their names, so that there is one of each."""

    code = "organization_name_taken"

    def __init__(self, name: str) -> None:
        sentence = f'An organization "{name}" exists already; choose another name.'
        super().__init__(sentence, errors={"name": [sentence]})


class SlugTakenError(ConflictError):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        sentence = f'The slug "{slug}" is taken; choose another one.'
        super().__init__(sentence, errors={"slug": [sentence]})


class SessionRequiredError(ForbiddenError):
    """An API key has no password."""

    code = "session_required"

    def __init__(self) -> None:
        super().__init__("An API key has no password. Log in and send the session token.")


class WrongPasswordError(ValidationError):
    code = "wrong_password"

    def __init__(self) -> None:
        sentence = "This is not your present password."
        super().__init__(sentence, errors={"current_password": [sentence]})
