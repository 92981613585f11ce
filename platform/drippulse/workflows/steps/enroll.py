"""`enroll`: starts a run of another workflow, once for each visit."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from drippulse.kit.db import Session
from drippulse.kit.errors import NotFoundError
from drippulse.workflows.errors import StepError
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    Guarantee,
    LocalStep,
    Prepared,
    Problem,
    Rehearsal,
    StepConfig,
    StepContext,
)
from drippulse.workflows.steps.texts import render_json, template_problems

LONGEST_CHAIN = 10
LARGEST_FAMILY = 1_000
OWN_KEYS = ("enrolled", "approval")
"""What steps wrote into this run and says nothing about the contact."""

# How many runs led to this one, itself included, each enrolled by a step of the one before; and the first of them.
CHAIN = """WITH RECURSIVE chain AS (
  SELECT e.id, e.origin, 1 AS depth FROM enrollment e WHERE e.organization_id = $1 AND e.id = $2
  UNION ALL
  SELECT p.id, p.origin, c.depth + 1 FROM chain c JOIN enrollment p ON p.organization_id = $1
    AND p.id = CASE WHEN c.origin LIKE 'enroll:%' THEN split_part(c.origin, ':', 2)::bigint END
  WHERE c.depth < $3)
SELECT depth, id FROM chain ORDER BY depth DESC LIMIT 1"""
COUNT = """INSERT INTO enroll_family AS f (organization_id, first_enrollment_id, enrolled) VALUES ($1, $2, 1)
ON CONFLICT (organization_id, first_enrollment_id) DO UPDATE SET enrolled = f.enrolled + 1 RETURNING f.enrolled"""


class EnrollConfig(StepConfig):
    workflow_id: int = Field(gt=0, lt=2**63, description="Id of the workflow; its newest version is run.")
    contact: dict[str, Any] | None = Field(
        default=None,
        min_length=1,
        description="Fields of the contact, each a Liquid template or a value. Default: this contact, all its data.",
    )


@dataclass(frozen=True, slots=True)
class EnrollRequest:
    workflow_id: int
    contact: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ParentRun:
    """The run that enrolls, as the event log names it: by its workflow."""

    organization_id: int
    actor_id: int
    actor_type: str = "workflow"


class EnrollStep(LocalStep[EnrollConfig]):
    type: ClassVar[str] = "enroll"
    label: ClassVar[str] = "Enroll in workflow"
    category: ClassVar[Category] = Category.ACTION
    description: ClassVar[str] = (
        "Enrolls the contact in a workflow of the same organization, once for each visit, under its re-entry rules. "
        f"A run that was enrolled by a run that was enrolled … fails after {LONGEST_CHAIN} of them, and one run leads "
        f"to {LARGEST_FAMILY} others at most, directly and through them."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Enrolls nobody; logs the workflow."
    outputs: ClassVar[dict[str, str]] = {
        "enrolled": "{workflow_id, enrollment_id, status, reason}: enrolled, or skipped by a re-entry rule and why."
    }
    config_model = EnrollConfig

    def problems(self, config: EnrollConfig) -> Iterator[Problem]:
        if config.contact is not None:
            yield from template_problems("contact", config.contact)

    def prepare(self, config: EnrollConfig, ctx: StepContext) -> Prepared:
        if config.contact is None:
            contact = {key: value for key, value in ctx.bag.items() if key not in OWN_KEYS}
            contact.setdefault("timezone", ctx.timezone)
        else:
            contact = {"timezone": ctx.timezone, **render_json(config.contact, ctx)}
        summary = {"workflow_id": config.workflow_id, "email": contact.get("email")}
        return Prepared(EnrollRequest(config.workflow_id, contact), summary, self.guarantee)

    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        from drippulse.enrollments.contacts import read_batch
        from drippulse.enrollments.starting import start_enrollments  # here, because it builds on the steps

        request: EnrollRequest = prepared.request
        await _refuse_endless(session, ctx)
        batch = read_batch({"contacts": [request.contact]}, may_hold_nul=True)
        parent = ParentRun(ctx.organization_id, ctx.workflow_id)
        origin = f"enroll:{ctx.enrollment_id}:{ctx.visit}"
        try:
            started = await start_enrollments(session, parent, request.workflow_id, batch.rows, origins=[origin])
        except NotFoundError:
            raise StepError(
                f"The workflow {request.workflow_id} to enroll in does not exist any more.", code="workflow_not_found"
            ) from None
        row = started.rows[0]
        enrolled = {
            "workflow_id": request.workflow_id,
            "enrollment_id": row.enrollment_id,
            "status": row.status.value,
            "reason": row.reason,
        }
        log = f"Enrolled in workflow {request.workflow_id}: {row.reason or f'enrollment {row.enrollment_id}'}"
        return Advance(output={"enrolled": enrolled}, logs=(log,))

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        request: EnrollRequest = prepared.request
        enrolled = {"workflow_id": request.workflow_id, "enrollment_id": None, "status": "enrolled", "reason": None}
        log = f"[test] Would enroll {request.contact.get('email') or 'the contact'} in workflow {request.workflow_id}"
        return Rehearsal(logs=(log,), output={"enrolled": enrolled})


async def _refuse_endless(session: Session, ctx: StepContext) -> None:
    chain = await session.fetchrow(CHAIN, ctx.organization_id, ctx.enrollment_id, LONGEST_CHAIN)
    if chain is None:
        return
    if chain["depth"] >= LONGEST_CHAIN:
        raise StepError(
            f"This run is the {LONGEST_CHAIN}th that one enrolled after the other, so it enrolls no further one. Put "
            "what shall repeat into one workflow, with a wait and a goto.",
            code="enroll_chain_too_long",
        )
    if await session.fetchval(COUNT, ctx.organization_id, chain["id"]) > LARGEST_FAMILY:
        raise StepError(
            f"The run {chain['id']}, with which this began, has led to {LARGEST_FAMILY} others already, so no further "
            "one is enrolled. Look for workflows that enroll each other.",
            code="enroll_family_too_large",
        )
