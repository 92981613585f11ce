"""Errors of tags."""

from drippulse.kit.errors import ConflictError


class TagBusyError(ConflictError):
    """One of the two names is just changing."""

    code = "tag_busy"

    def __init__(self, name: str) -> None:
        super().__init__(
            f'The tag "{name}" is just being renamed or deleted in the background. Try again when GET /crm/tags does '
            "not show a change any more."
        )
