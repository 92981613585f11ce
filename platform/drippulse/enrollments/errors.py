"""Errors of enrollments, with the codes that the API reference documents."""

from drippulse.kit.errors import ConflictError, ValidationError


class WorkflowArchivedError(ValidationError):
    """The workflow is archived; it takes no new enrollments."""

    code = "workflow_archived"

    def __init__(self) -> None:
        super().__init__("This workflow is archived and takes no enrollments. Set its status to active first.")


class ContactsRequiredError(ValidationError):
    """No `contacts` array, at the top level or in `enrollment`."""

    code = "contacts_required"

    def __init__(self) -> None:
        sentence = 'Send {"contacts": [{"email": "a@b.com"}]}, at the top level or inside "enrollment".'
        super().__init__(f"A contacts array is required. {sentence}", errors={"contacts": ["Must be an array."]})


class ContactsEmptyError(ValidationError):
    code = "contacts_empty"

    def __init__(self) -> None:
        super().__init__(
            "The contacts array is empty; send at least one contact.", errors={"contacts": ["Must not be empty."]}
        )


class TooManyContactsError(ValidationError):
    code = "too_many_contacts"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"At most {most} contacts go into one call; send the rest in further calls.",
            errors={"contacts": [f"At most {most}."]},
        )


class NoEnrollmentsCreatedError(ValidationError):
    """Every row was invalid, or the body was not sent as JSON."""

    code = "no_enrollments_created"


class InvalidTimezoneError(ValidationError):
    code = "invalid_timezone"

    def __init__(self, name: object) -> None:
        shown = name if isinstance(name, str) else type(name).__name__
        super().__init__(
            f'"{str(shown)[:100]}" is not a time zone. Send an IANA name such as Europe/Berlin or UTC.',
            errors={"timezone": ["Not an IANA time zone."]},
        )


class CsvFileError(ValidationError):
    """A file that cannot be imported as a whole; the message says where and why."""

    code = "csv_file"


class ActionRefusedError(ConflictError):
    """An action that does not fit the run's state; the code says why."""

    code = "enrollment_finished"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)
