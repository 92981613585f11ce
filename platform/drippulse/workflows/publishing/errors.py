"""Errors of drafts and publishing."""

from drippulse.kit.errors import BadRequestError, ConflictError, DomainError, NotFoundError, ValidationError


class DraftNotFoundError(NotFoundError):
    """The workflow has no draft."""

    code = "draft_not_found"

    def __init__(self) -> None:
        super().__init__("This workflow has no draft. PUT one to /workflows/{id}/draft, or restore an older version.")


class DraftChangedError(ConflictError):
    """Somebody else saved, dropped or published the draft since the caller read it."""

    code = "draft_changed"

    def __init__(self, revision: int, *, exists: bool) -> None:
        now = f"is at revision {revision}" if exists else "does not exist any more"
        super().__init__(
            f"The draft {now}: somebody changed it since you read it. GET it, take over what you need, and send its "
            "revision as If-Match.",
            extra={"revision": revision},
        )


class InvalidStepMapError(BadRequestError):
    """The step map names steps that do not exist, or leaves people without a place to go."""

    code = "invalid_step_map"


class PreviewRequiredError(ConflictError):
    """Runs are in flight, or the strategy moves them: somebody has to look first."""

    code = "preview_required"


class PreviewStaleError(ConflictError):
    """What the preview showed is not so any more."""

    code = "preview_stale"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} since the preview was made. Look at a new preview and confirm that one.")


class ConfirmTokenError(ValidationError):
    """The token is not one of ours, or belongs to another workflow."""

    code = "invalid_confirm_token"

    def __init__(self) -> None:
        message = "This confirm_token was not made by a preview of this workflow; send the one from its answer."
        super().__init__(message, errors={"confirm_token": [message]})


class StrategyMismatchError(ValidationError):
    """The call names another strategy than the preview that it confirms."""

    code = "strategy_mismatch"

    def __init__(self, previewed: str, asked: str) -> None:
        message = (
            f"The preview behind this confirm_token was made for the strategy {previewed}, and this call says {asked}. "
            "Leave `strategy` out, or look at a preview of the other one."
        )
        super().__init__(message, errors={"strategy": [message]})


class ConfirmTokenExpiredError(DomainError):
    code = "confirm_token_expired"
    status = 410

    def __init__(self) -> None:
        super().__init__("This confirm_token is older than 15 minutes. Look at a new preview and confirm that one.")
