"""Reads about one run."""

from typing import Any

from drippulse.enrollments.explaining.schemas import ExplanationOut
from drippulse.enrollments.explaining.service import explain
from drippulse.enrollments.lookup import workflow_of
from drippulse.organizations.policy import Permission
from drippulse.workflows.templates import Templates
from drippulse_graphql.enrollments.answers import ENROLLMENT
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, about=ENROLLMENT, answers=ExplanationOut, covers=("explainEnrollment",))
async def enrollment_explanation(call: Reading) -> Any:
    """Why the run is where it is, with the values that conditions saw; why it does not go on or send; what comes next
    and when; which version it runs on; and how it came to each of its mails."""
    workflow_id = await workflow_of(call.session, call.principal, call.id)
    templates = Templates(call.services.clock)
    return await explain(call.session, call.principal, call.services.vault, templates, workflow_id, call.id)


READS: tuple[Declared, ...] = (enrollment_explanation,)
