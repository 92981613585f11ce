"""Errors of pipelines."""

from drippulse.kit.errors import ConflictError, ForbiddenError, ValidationError


class ForeignStageError(ValidationError):
    """A stage and a pipeline that do not belong together."""

    code = "stage_of_another_pipeline"

    def __init__(self) -> None:
        sentence = "This stage belongs to another pipeline; leave pipeline_id out or name one of its own stages."
        super().__init__(sentence, errors={"pipeline_stage_id": [sentence]})


class UnknownStageError(ValidationError):
    """A name that is no stage's, or no pipeline's."""

    code = "stage_not_found"


class NoPersonError(ValidationError):
    """A pipeline of one's own, or a preference, asked for by a credential behind which there is nobody."""

    code = "no_person"

    def __init__(self) -> None:
        super().__init__(
            "This API key belongs to no person, who could have a pipeline or a default of their own. Sign in, or use a "
            "key that a member created."
        )


class NotYourPipelineError(ForbiddenError):
    """Only its owner and Admins change a pipeline; the organization's only Admins."""

    def __init__(self, *, of_organization: bool) -> None:
        owner = "the organization; an Admin" if of_organization else "somebody else; its owner or an Admin"
        super().__init__(f"This pipeline belongs to {owner} may change it. Make your own: it begins as a copy.")


class PipelineNotEmptyError(ConflictError):
    """Opportunities stand in it."""

    code = "pipeline_not_empty"

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{_opportunities(count)} in this pipeline. Move them to another pipeline or delete them first.",
            extra={"opportunity_count": count},
        )


class StageNotEmptyError(ConflictError):
    """Opportunities stand in a stage that is to go."""

    code = "stage_not_empty"

    def __init__(self, name: str, count: int) -> None:
        super().__init__(
            f'{_opportunities(count)} in the stage "{name}". Say with move_to which stage they go to.',
            extra={"opportunity_count": count},
        )


class TooManyPipelinesError(ConflictError):
    """A person's own pipelines are not without end."""

    code = "too_many_pipelines"

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} pipelines of your own. Delete one first.")


class OrganizationPipelineError(ConflictError):
    """The organization always has its default pipeline."""

    code = "organization_pipeline"

    def __init__(self) -> None:
        super().__init__("This is the organization's default pipeline, which stays. Rename it or change its stages.")


class PipelineBusyError(ConflictError):
    """Others keep moving cards of the stages that are to change."""

    code = "pipeline_busy"

    def __init__(self) -> None:
        super().__init__("Somebody is moving opportunities of these stages right now. Nothing was changed; try again.")


def _opportunities(count: int) -> str:
    return "1 opportunity stands" if count == 1 else f"{count} opportunities stand"
