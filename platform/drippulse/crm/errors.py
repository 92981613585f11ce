"""Errors of CRM records."""

from drippulse.kit.errors import BadRequestError, ConflictError


class InvalidEmailError(BadRequestError):
    """The address is not one that mail can be sent to."""

    code = "invalid_email"

    def __init__(self) -> None:
        sentence = "This is not an e-mail address; write it like ana@example.com."
        super().__init__(sentence, errors={"email": [sentence]})


class RecordExistsError(ConflictError):
    """Another live record has this address or this external id."""

    code = "record_exists"

    def __init__(self, record_type: str, what: str) -> None:
        super().__init__(f"Another {record_type} has this {what}. Update that one, or delete it first.")
