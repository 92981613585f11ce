"""The mutation `enrollContacts`: REST's bulk enrollment."""

from enum import Enum
from typing import Annotated, Any, cast

import strawberry
from strawberry.scalars import JSON

from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.service import bulk_enroll
from drippulse.organizations.policy import Permission
from drippulse_graphql.enrollments.types import ENROLLMENT, Enrollment
from drippulse_graphql.kit.context import Info
from drippulse_graphql.kit.coverage import covering
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.fields import resolved
from drippulse_graphql.kit.ids import encode_id, id_of
from drippulse_graphql.kit.mutations import KEY
from drippulse_graphql.kit.nodes import load_nodes
from drippulse_graphql.kit.pages import DEFAULT_FIRST, page_arguments
from drippulse_graphql.kit.permissions import Requires
from drippulse_graphql.kit.running import Asked, run
from drippulse_graphql.kit.selection import Row
from drippulse_graphql.kit.user_errors import UserError


@strawberry.enum(description="What became of one contact.")
class EnrollStatus(Enum):
    ENROLLED = "enrolled"
    SKIPPED = "skipped"
    INVALID = "invalid"


@strawberry.input
class EnrollContactsInput:
    workflow_id: strawberry.ID
    contacts: list[JSON] = strawberry.field(
        description="Objects with whatever templates need: email, first_name, last_name, lead_ref, ..."
    )
    timezone: str | None = strawberry.field(default=None, description="IANA name; UTC when left out.")
    agent_id: strawberry.ID | None = None
    idempotency_key: str | None = strawberry.field(default=None, description=KEY)


@strawberry.type
class EnrollResult:
    index: int = strawberry.field(description="Place of the contact in the input, from 0.")
    status: EnrollStatus
    enrollment_id: strawberry.ID | None
    reason: str | None


async def _enrollments(parent: strawberry.Parent[Row], info: Info, first: int = DEFAULT_FIRST) -> list[Row]:
    wanted: list[int] = parent["numbers"][: page_arguments("", first, None, None, None).limit]
    found = await info.context.loader(load_nodes).load_many([(ENROLLMENT.name, number) for number in wanted])
    return [row for row in found if row is not None]


@strawberry.type
class EnrollContactsPayload:
    created_count: int
    skipped_invalid_rows: int
    enrollment_ids: list[strawberry.ID]
    enrollments: list[Enrollment] = resolved(_enrollments, description="The first of those made.")
    results: list[EnrollResult] = strawberry.field(description="One for each contact, in their order.")
    user_errors: list[UserError]


async def enroll_contacts(
    info: Info,
    input: Annotated[EnrollContactsInput, strawberry.argument()],  # noqa: A002 - the argument's name in the schema
) -> Row:
    context = info.context
    said = {"contacts": input.contacts, "timezone": input.timezone, "agent_id": input.agent_id}

    async def work() -> dict[str, Any]:
        workflow_id = id_of(input.workflow_id, "Workflow", field="workflowId")
        batch = read_batch(said, may_hold_nul=True)
        return await bulk_enroll(context.session, context.principal, context.services.waker, workflow_id, batch)

    asked = Asked("enrollContacts", {**said, "workflow_id": input.workflow_id}, input.idempotency_key)
    made = await run(context, asked, work)
    return _payload({**made.extra, **(made.value or {})}, made.errors)


def _payload(answer: dict[str, Any], errors: list[dict[str, Any]]) -> Row:
    numbers: list[int] = answer.get("enrollment_ids", [])
    return {
        "created_count": len(numbers),
        "skipped_invalid_rows": answer.get("skipped_invalid_rows", 0),
        "enrollment_ids": [encode_id(ENROLLMENT.name, number) for number in numbers],
        "numbers": numbers,
        "results": [_result(result) for result in answer.get("results", [])],
        "user_errors": errors,
    }


def _result(result: dict[str, Any]) -> Row:
    number: int | None = result["enrollment_id"]
    return {
        **result,
        "status": EnrollStatus(result["status"]),
        "enrollment_id": None if number is None else encode_id(ENROLLMENT.name, number),
    }


def _field() -> Any:
    return cast("Any", strawberry.field)(
        resolver=enroll_contacts,
        graphql_type=EnrollContactsPayload,
        description="Start one run of a workflow for each contact. Every call without `idempotencyKey` makes new rows, "
        "as REST's bulk enrollment does.",
        extensions=[Requires(Permission.WRITE)],
        metadata=covering(("bulkEnroll",)),
    )


ENROLL_CONTACTS = Declared("enroll_contacts", _field)
