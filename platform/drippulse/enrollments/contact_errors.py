"""Why a stored contact cannot be enrolled."""

from drippulse.kit.errors import BadRequestError, ConflictError, ValidationError


class AlreadyEnrolledError(ConflictError):
    """A run of this contact in this workflow is under way."""

    code = "already_enrolled"
    reason = "already enrolled"

    def __init__(self) -> None:
        super().__init__("The contact is already enrolled in this workflow. Wait until that run ends, or cancel it.")


class EntryRefusedError(ConflictError):
    """The workflow's re-entry rules refuse it; the message is their reason."""

    code = "entry_refused"


class ContactInvalidEmailError(BadRequestError):
    code = "invalid_email"
    reason = "invalid email"

    def __init__(self) -> None:
        super().__init__("The contact has no valid e-mail address. Give it one and enroll it again.")


class ContactSuppressedError(BadRequestError):
    code = "contact_suppressed"
    reason = "contact suppressed"

    def __init__(self) -> None:
        super().__init__("The contact's address is on the suppression list: it unsubscribed, bounced or complained.")


class TooManyContactIdsError(ValidationError):
    code = "too_many_contacts"

    def __init__(self, most: int) -> None:
        sentence = f"Send 1 to {most} contact ids in one call, and the rest in further calls."
        super().__init__(sentence, errors={"contactIds": [sentence]})
