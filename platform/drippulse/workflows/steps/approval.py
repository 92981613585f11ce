"""`approval`: waits until somebody who may decide says yes or no."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, field_validator

from drippulse.approvals.policy import DECIDING_ROLES
from drippulse.approvals.queries import Visit
from drippulse.approvals.requests import Answer, Request, ask
from drippulse.approvals.tables import ApprovalStatus
from drippulse.kit.clock import isoformat_or_none
from drippulse.kit.db import Session
from drippulse.organizations.tables import MemberRole
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    Finish,
    Guarantee,
    LocalStep,
    Prepared,
    Problem,
    Rehearsal,
    StepConfig,
    StepContext,
    WaitUntil,
)
from drippulse.workflows.steps.texts import template_problems
from drippulse.workflows.steps.timeouts import EXIT, GO_ON_HINT, Timeout, is_step_id

REASON = "approval"
MAX_MESSAGE = 10_000
FINISH_REASONS = {ApprovalStatus.REJECTED: "approval_rejected", ApprovalStatus.EXPIRED: "approval_timeout"}


class ApprovalConfig(StepConfig):
    role: MemberRole = Field(
        default=MemberRole.APPROVER, description="Approver, or Admin when nobody else shall decide. Admins always may."
    )
    message: str = Field(default="", max_length=MAX_MESSAGE, description="What is asked; a Liquid template.")
    timeout: Timeout | None = Field(
        default=None, description="{duration, unit}: how long to wait. Without it the run waits for the decision."
    )
    on_timeout: str = Field(
        default=EXIT, min_length=1, description=f"Where to go on when the time is over: {GO_ON_HINT}."
    )
    on_reject: str = Field(default=EXIT, min_length=1, description=f"Where to go on after a no: {GO_ON_HINT}.")

    @field_validator("role")
    @classmethod
    def _decides(cls, role: MemberRole) -> MemberRole:
        if role not in DECIDING_ROLES:
            able = " or ".join(able.value for able in DECIDING_ROLES)
            raise ValueError(f"{role.value} may not decide approvals; use {able}")
        return role


class ApprovalStep(LocalStep[ApprovalConfig]):
    type: ClassVar[str] = "approval"
    label: ClassVar[str] = "Approval"
    category: ClassVar[Category] = Category.LOGIC
    description: ClassVar[str] = (
        "Asks an Approver and waits for the decision. A yes goes on with the next step; a no and the end of the time "
        "go where the step says. Whoever enrolled the contact does not decide."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Asks nobody and goes on as approved."
    outputs: ClassVar[dict[str, str]] = {
        "approval": "{decision, note, decided_by, at}: approved, rejected or expired, why, by whom and when."
    }
    config_model = ApprovalConfig

    def problems(self, config: ApprovalConfig) -> Iterator[Problem]:
        yield from template_problems("message", config.message)
        if config.timeout is None and "on_timeout" in config.model_fields_set:
            yield Problem("on_timeout", "needs `timeout`; without one the run waits for the decision")

    def targets(self, config: ApprovalConfig) -> Iterator[tuple[str, str]]:
        if is_step_id(config.on_reject):
            yield "on_reject", config.on_reject
        if config.timeout is not None and is_step_id(config.on_timeout):
            yield "on_timeout", config.on_timeout

    def suspends(self, config: ApprovalConfig) -> bool:
        return True

    def prepare(self, config: ApprovalConfig, ctx: StepContext) -> Prepared:
        due_at = config.timeout.ends_at(ctx.entered_at, ctx.timezone) if config.timeout else None
        visit = Visit(ctx.organization_id, ctx.workflow_id, ctx.enrollment_id, ctx.visit, ctx.step_id)
        message = ctx.render(config.message).replace("\x00", "")[:MAX_MESSAGE]
        summary = {"role": config.role.value, "message": message, "due_at": isoformat_or_none(due_at)}
        request = (config, Request(visit, config.role.value, message, due_at))
        return Prepared(request=request, summary=summary, guarantee=self.guarantee)

    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        config: ApprovalConfig
        request: Request
        config, request = prepared.request
        answer = await ask(session, request, ctx.now)
        if answer is None:
            return WaitUntil(at=request.due_at, reason=REASON)
        return go_on(config, answer)

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        role, message = prepared.summary["role"], prepared.summary["message"]
        output = {"approval": {"decision": "approved", "note": "", "decided_by": None, "at": None}}
        return Rehearsal(logs=(f'[test] Would ask an {role} to approve: "{message}"',), output=output)


def go_on(config: ApprovalConfig, answer: Answer) -> Decision:
    """Where a run goes with this answer."""
    output = {**answer.edits, "approval": answer.output}
    log = f"Approval {answer.status.value}"
    if answer.status is ApprovalStatus.APPROVED:
        return Advance(output=output, logs=(log,))
    choice = config.on_reject if answer.status is ApprovalStatus.REJECTED else config.on_timeout
    if choice == EXIT:
        return Finish(reason=FINISH_REASONS[answer.status], output=output, logs=(log,))
    return Advance(output=output, logs=(log,), to=choice if is_step_id(choice) else None)
