"""What the `crm` step writes, each in the transaction that moves the run on and in one changeset."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drippulse.crm import service
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.errors import RecordExistsError
from drippulse.crm.lookup import find_record
from drippulse.crm.pipelines.naming import stage_called
from drippulse.crm.schemas import ActivityFields, OpportunityFields, RecordFields
from drippulse.crm.tables import RecordType
from drippulse.events.service import SystemActor
from drippulse.kit.db import Record, Session
from drippulse.workflows.errors import StepError

UPSERT_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Write:
    """Create, update or upsert. `new` are the fields of a record that has to be created."""

    action: str
    kind: RecordType
    refs: tuple[str, ...]
    changes: RecordFields
    new: RecordFields


@dataclass(frozen=True, slots=True)
class AddActivity:
    """`kinds` are the types that the references are looked for in, in this order."""

    kinds: tuple[RecordType, ...]
    refs: tuple[str, ...]
    fields: ActivityFields


@dataclass(frozen=True, slots=True)
class MoveStage:
    """An opportunity, and where it goes."""

    refs: tuple[str, ...]
    stage: str
    pipeline: str | None


Request = Write | AddActivity | MoveStage


@dataclass(frozen=True, slots=True)
class Written:
    """The record, and what the step says of it."""

    kind: RecordType
    row: Record
    created: bool
    log: str


async def perform(session: Session, actor: SystemActor, changeset: OpenChangeset, request: Request) -> Written:
    """Do it. Raises DomainError: what is referred to is not there, or a value is not acceptable."""
    if isinstance(request, AddActivity):
        return await _add_activity(session, actor, changeset, request)
    if isinstance(request, MoveStage):
        return await _move_stage(session, actor, changeset, request)
    row, created = await _write(session, actor, changeset, request)
    log = f"{'Created' if created else 'Changed'} {request.kind.value} {row['public_id']}"
    return Written(request.kind, row, created, log)


async def _write(session: Session, actor: SystemActor, changeset: OpenChangeset, request: Write) -> tuple[Record, bool]:
    """An upsert that another transaction was faster with finds that one's record."""
    organization_id = actor.organization_id
    for attempt in range(UPSERT_ATTEMPTS):
        found = None
        if request.action != "create":
            _, found = await _find(session, (request.kind,), organization_id, request.refs)
        if found is not None:
            changed = await service.patch_record(session, actor, request.kind, found, request.changes, changeset)
            return changed, False
        if request.action == "update":
            break
        try:
            return await service.create_record(session, actor, request.kind, request.new, changeset), True
        except RecordExistsError:
            if request.action == "create" or attempt + 1 == UPSERT_ATTEMPTS:
                raise
    raise _nothing((request.kind,), request.refs)


async def _add_activity(
    session: Session, actor: SystemActor, changeset: OpenChangeset, request: AddActivity
) -> Written:
    kind, about = await _find(session, request.kinds, actor.organization_id, request.refs)
    if about is None:
        raise _nothing(request.kinds, request.refs)
    fields = request.fields.model_copy(update={f"{kind.value}_id": str(about["id"])})
    row = await service.create_record(session, actor, RecordType.ACTIVITY, fields, changeset)
    log = f"Added {row['type']} {row['public_id']} to {kind.value} {about['public_id']}"
    return Written(RecordType.ACTIVITY, row, True, log)


async def _move_stage(session: Session, actor: SystemActor, changeset: OpenChangeset, request: MoveStage) -> Written:
    kind = RecordType.OPPORTUNITY
    _, found = await _find(session, (kind,), actor.organization_id, request.refs)
    if found is None:
        raise _nothing((kind,), request.refs)
    current = found["pipeline_id"]
    stage = await stage_called(session, actor.organization_id, request.stage, request.pipeline, current)
    sent: dict[str, Any] = {"pipeline_stage_id": str(stage)}
    row = await service.patch_record(
        session, actor, kind, found, OpportunityFields.model_construct(set(sent), **sent), changeset
    )
    moved = "Moved" if row["pipeline_stage_id"] != found["pipeline_stage_id"] else "Left"
    return Written(kind, row, False, f"{moved} opportunity {row['public_id']} in stage {request.stage}")


async def _find(
    session: Session, kinds: Sequence[RecordType], organization_id: int, refs: Sequence[str]
) -> tuple[RecordType, Record | None]:
    for ref in refs:
        for kind in kinds:
            row = await find_record(session, kind, organization_id, ref)
            if row is not None:
                return kind, row
    return kinds[0], None


def shown(refs: Sequence[str]) -> str:
    """References in a sentence."""
    return " or ".join(f'"{ref[:100]}"' for ref in refs) or "an empty reference"


def _nothing(kinds: Sequence[RecordType], refs: Sequence[str]) -> StepError:
    what = " or ".join(kind.value for kind in kinds)
    return StepError(f"There is no {what} for {shown(refs)}.", code="record_not_found")
