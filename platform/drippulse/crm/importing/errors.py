"""Errors of imports."""

from drippulse.kit.errors import BadRequestError, ConflictError, DomainError, ValidationError


class UnreadableFileError(ValidationError):
    """The file as a whole cannot be imported."""

    code = "unreadable_file"


class NoFileError(BadRequestError):
    """The request holds no file."""

    code = "no_file"

    def __init__(self) -> None:
        super().__init__('Send the file as the form field "file", or as the body with Content-Type: text/csv.')


class FileTooLargeError(DomainError):
    """The upload is over the limit."""

    code = "payload_too_large"
    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The file is larger than {most} bytes. Send it in parts, or raise DRIPPULSE_IMPORT_MAX_BYTES."
        )


class ImportOverError(ConflictError):
    """It has ended, so that there is nothing to cancel."""

    code = "import_over"

    def __init__(self, status: str) -> None:
        super().__init__(f"This import is {status}; only one that waits or runs can be cancelled.")


class NotUndoableError(ConflictError):
    """Nothing to undo, or not yet."""

    code = "import_not_undoable"


class ImportTakenOverError(Exception):
    """Somebody else works on this import now, or it was cancelled; nothing of this portion is kept."""
