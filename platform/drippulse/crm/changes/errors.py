"""Errors of changesets."""

from drippulse.kit.errors import ConflictError


class AlreadyRevertedError(ConflictError):
    """A changeset is undone once; its undoing is a changeset that can be undone in turn."""

    code = "changeset_already_reverted"

    def __init__(self, reverting_id: int | None) -> None:
        super().__init__(
            f"This changeset was reverted by changeset {reverting_id}; revert that one to have it back.",
            extra={"reverting_id": reverting_id},
        )


class RevertConflictError(ConflictError):
    """on_conflict is fail, and something was changed since."""

    code = "changeset_conflicts"

    def __init__(self, conflicts: list[dict[str, object]]) -> None:
        super().__init__(
            f"{len(conflicts)} values were changed since, or cannot go back. Nothing was reverted; "
            'send "on_conflict": "skip" to revert the rest.',
            extra={"conflicts": conflicts},
        )
