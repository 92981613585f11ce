"""Errors of approvals."""

from drippulse.kit.errors import ConflictError, ForbiddenError


class ApprovalClosedError(ConflictError):
    """It was decided before, its time ran out, or its run ended."""

    code = "approval_closed"

    def __init__(self, why: str) -> None:
        super().__init__(f"This approval takes no decision any more: {why}. Nothing was changed.")


class OwnRequestError(ForbiddenError):
    """Whoever enrolled the contact asks to decide about it."""

    code = "own_request"

    def __init__(self) -> None:
        super().__init__("You enrolled this contact, so somebody else has to decide.")
