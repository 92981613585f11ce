"""Errors of merging."""

from drippulse.kit.errors import ConflictError, NotFoundError, not_found


class NotMergedError(ConflictError):
    """There is no merge to take back."""

    code = "not_merged"

    def __init__(self, record_type: str) -> None:
        super().__init__(f"This {record_type} was not merged with another one, or it was taken back already.")


class RecordMergedError(ConflictError):
    """A merged record is not simply restored: what followed it to the other one would stay there."""

    code = "record_merged"

    def __init__(self, record_type: str, merged_into: str | None) -> None:
        into = "another one" if merged_into is None else merged_into
        super().__init__(
            f"This {record_type} was merged into {into}; send POST …/unmerge to have both again.",
            extra={"merged_into": merged_into},
        )


def merged_away(record_type: str, merged_into: str) -> NotFoundError:
    """What was merged is not found, and says where to look."""
    return NotFoundError(
        f"This {record_type} was merged into {merged_into}; use that id.",
        code=not_found(record_type).error_code,
        extra={"merged_into": merged_into},
    )
