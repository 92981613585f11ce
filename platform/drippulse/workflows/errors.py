"""Errors of workflows: definitions that cannot be accepted, and steps that cannot go on."""

from drippulse.kit.errors import ConflictError, DomainError, ValidationError


class InvalidStepGraphError(DomainError):
    """The steps do not make a runnable workflow; `errors` has every finding (`steps.2.config.duration`)."""

    code = "invalid_step_graph"
    status = 400


class UnknownFixtureProfileError(ValidationError):
    """`/test` was asked for a fixture profile that does not exist."""

    code = "unknown_fixture_profile"


class InvalidSampleDataError(ValidationError):
    """`/test` was given sample data that is not a JSON object."""

    code = "invalid_sample_data"


class StepError(DomainError):
    """A step cannot go on with this enrollment's data; trying again with the same data changes nothing."""

    code = "step_failed"
    status = 422


class TemplateRenderError(StepError):
    """A template that parses failed on this data, or went over a limit (size, loops, time)."""

    code = "template_error"


class UnknownTimezoneError(ValidationError):
    """The name is not in the IANA time zone database."""

    code = "unknown_timezone"


class WorkflowNotActiveError(ConflictError):
    """Only an active workflow is paused, and only a paused one resumed."""

    code = "workflow_not_active"

    def __init__(self, status: str, action: str) -> None:
        super().__init__(f"This workflow is {status}, so there is nothing to {action}. Set its status to active first.")
