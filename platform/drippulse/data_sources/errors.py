"""Errors of data sources."""

from drippulse.kit.errors import ConflictError, ValidationError


class InvalidDataSourceError(ValidationError):
    """A definition that cannot work; `place` is the field's path."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"{place}: {sentence}", errors={place: [sentence]})


class SourceError(ValidationError):
    """The source cannot be read, or is not what its definition says. The end of a run, the answer to a preview."""

    code = "data_source_unreadable"


class RunOpenError(ConflictError):
    """Of one source one run is under way at a time."""

    code = "data_source_run_open"

    def __init__(self, run_id: int | None) -> None:
        super().__init__(
            f"Run {run_id} of this data source is under way. Wait for its end, or cancel it.", extra={"run_id": run_id}
        )


class RunOverError(ConflictError):
    """It has ended, so that there is nothing to cancel."""

    code = "data_source_run_over"

    def __init__(self, status: str) -> None:
        super().__init__(f"This run is {status}; only one that waits or runs can be cancelled.")


class NoSourceFileError(ConflictError):
    """A source of uploaded files that has none yet."""

    code = "data_source_has_no_file"

    def __init__(self, source_id: int) -> None:
        super().__init__(f"Nothing is uploaded yet; send the file to PUT /api/v1/data_sources/{source_id}/file first.")


class RunTakenOverError(Exception):
    """Somebody else works on this run now, or it was cancelled; nothing of this portion is kept."""
