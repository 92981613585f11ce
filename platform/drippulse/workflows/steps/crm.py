"""`crm`: creates or changes records, adds an activity to one, or moves an opportunity to another stage."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, TypeVar

import pydantic
from pydantic import Field

from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.records import SPECS
from drippulse.crm.schemas import ActivityFields, RecordFields
from drippulse.crm.tables import RecordType
from drippulse.events.service import SystemActor
from drippulse.kit.db import Session
from drippulse.kit.text import did_you_mean
from drippulse.kit.validation import as_domain_error
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
from drippulse.workflows.steps.crm_writes import AddActivity, MoveStage, Request, Write, perform, shown
from drippulse.workflows.steps.texts import render_json, template_problems

F = TypeVar("F", bound=RecordFields)
NESTED = ("attributes.", "custom_fields.")
OWN_FIELDS = ("email", "first_name", "last_name")
PEOPLE = (RecordType.CONTACT, RecordType.LEAD)
TYPES = [kind.value for kind in RecordType]
SUBJECTS = [kind for kind in TYPES if kind != RecordType.ACTIVITY]
"""What an activity can be about."""


class CrmConfig(StepConfig):
    action: Literal["create", "update", "upsert", "add_activity", "move_stage"] = Field(
        description="create; update (the step fails when there is no record); upsert: the one or the other; "
        "add_activity: a call, email, meeting, note or task on the record; move_stage: of an opportunity."
    )
    record_type: str | None = Field(
        default=None,
        description=f"{', '.join(TYPES)}. Default: contact; of add_activity the contact or lead that ref finds; of "
        "move_stage it is opportunity.",
    )
    ref: str | None = Field(
        default=None,
        description="Which record: a Liquid template that gives its public id, id, external id or e-mail address. "
        "Default: the contact's lead_ref, and when no record has it, its e-mail address. Records other than contacts "
        "and leads have no default.",
    )
    fields: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        max_length=100,
        description="Field -> value, such as first_name, score, attributes.plan or custom_fields.plan; of add_activity "
        "those of the activity: type, subject, body and others. Texts are Liquid templates. A new contact or lead gets "
        "the contact's email, first_name and last_name unless they are given here.",
    )
    stage: str | None = Field(
        default=None, description="Of move_stage: the stage's id, public id or name; a Liquid template."
    )
    pipeline: str | None = Field(
        default=None,
        description="Of move_stage, where stage is a name: the pipeline's id, public id or name; a Liquid template. "
        "Default: the one that the opportunity is in.",
    )

    @property
    def kind(self) -> RecordType:
        """The type of the record that is written."""
        if self.action == "add_activity":
            return RecordType.ACTIVITY
        if self.action == "move_stage":
            return RecordType.OPPORTUNITY
        return RecordType(self.record_type or RecordType.CONTACT)


class CrmStep(LocalStep[CrmConfig]):
    type: ClassVar[str] = "crm"
    label: ClassVar[str] = "Write to the CRM"
    category: ClassVar[Category] = Category.DATA
    description: ClassVar[str] = "Creates or changes a record, adds an activity, or moves an opportunity."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Writes nothing; logs what it would write."
    outputs: ClassVar[dict[str, str]] = {"record": "{id, public_id, record_type, created} of the record."}
    config_model = CrmConfig

    def problems(self, config: CrmConfig) -> Iterator[Problem]:
        wrong = _wrong_type(config)
        if wrong is not None:
            yield wrong
            return
        yield from _misplaced(config)
        known = SPECS[config.kind].fields.model_fields
        for name in config.fields if config.action != "move_stage" else ():
            if name not in known and not any(name.startswith(prefix) and name != prefix for prefix in NESTED):
                meant = did_you_mean(name, known)
                yield Problem(f"fields.{name}", f"is not a field.{meant} Own ones go into attributes.{name}")
        yield from template_problems("fields", config.fields)
        for name, text in (("ref", config.ref), ("stage", config.stage), ("pipeline", config.pipeline)):
            if text is not None:
                yield from template_problems(name, text)

    def prepare(self, config: CrmConfig, ctx: StepContext) -> Prepared | Decision:
        given = _nested(render_json(config.fields, ctx))
        request = _request(config, ctx, given)
        summary: dict[str, Any] = {"action": config.action, "record_type": config.kind.value, "fields": given}
        if isinstance(request, MoveStage):
            summary = {"action": config.action, "record_type": config.kind.value, "stage": request.stage}
        return Prepared(request=request, summary=summary, guarantee=self.guarantee)

    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        request: Request = prepared.request
        actor = SystemActor(ctx.organization_id, "workflow", ctx.workflow_id)
        changeset = OpenChangeset(Source.WORKFLOW, label=f"Step {ctx.step_id} of enrollment {ctx.enrollment_id}")
        written = await perform(session, actor, changeset, request)
        record = {"id": str(written.row["id"]), "public_id": written.row["public_id"]}
        output = {"record": {**record, "record_type": written.kind.value, "created": written.created}}
        return Advance(output=output, logs=(written.log,))

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        request: Request = prepared.request
        created = isinstance(request, AddActivity) or (isinstance(request, Write) and request.action == "create")
        record = {"id": "", "public_id": "", "record_type": prepared.summary["record_type"], "created": created}
        return Rehearsal(logs=(f"[test] Would {_would(request)}",), output={"record": record})


def _wrong_type(config: CrmConfig) -> Problem | None:
    known = {"add_activity": SUBJECTS, "move_stage": [RecordType.OPPORTUNITY.value]}.get(config.action, TYPES)
    if config.record_type is None or config.record_type in known:
        return None
    meant = did_you_mean(config.record_type, known)
    what = (
        "a record type" if config.action not in {"add_activity", "move_stage"} else f"a record type of {config.action}"
    )
    return Problem("record_type", f'"{config.record_type}" is not {what}.{meant} Known are {", ".join(known)}')


def _misplaced(config: CrmConfig) -> Iterator[Problem]:
    moves = config.action == "move_stage"
    if moves and not config.stage:
        yield Problem("stage", "is missing: name the stage that the opportunity goes to")
    if moves and config.fields:
        yield Problem("fields", "are not taken by move_stage; change other fields with update")
    for name in ("stage", "pipeline"):
        if not moves and getattr(config, name) is not None:
            yield Problem(name, f"belongs to move_stage and not to {config.action}")
    about = config.record_type or (RecordType.OPPORTUNITY if moves else RecordType.CONTACT)
    if config.ref is None and config.action != "create" and about not in PEOPLE:
        yield Problem("ref", f"is missing: say which {about} is meant")


def _request(config: CrmConfig, ctx: StepContext, given: dict[str, Any]) -> Request:
    refs = _refs(config, ctx)
    if config.action == "move_stage":
        pipeline = ctx.render(config.pipeline).strip() if config.pipeline else None
        return MoveStage(refs, ctx.render(config.stage or "").strip(), pipeline or None)
    if config.action == "add_activity":
        kinds = (RecordType(config.record_type),) if config.record_type else PEOPLE
        return AddActivity(kinds, refs, _checked(ActivityFields, given))
    own: dict[str, Any] = {}
    if config.kind in PEOPLE:
        own = {name: ctx.bag[name] for name in OWN_FIELDS if isinstance(ctx.bag.get(name), str)}
    spec = SPECS[config.kind]
    changes = _checked(spec.changes, given)
    new = changes if config.action == "update" else _checked(spec.fields, {**own, **given})
    return Write(config.action, config.kind, refs, changes, new)


def _would(request: Request) -> str:
    who = shown(request.refs)
    if isinstance(request, MoveStage):
        return f'move the opportunity for {who} to the stage "{request.stage}"'
    if isinstance(request, AddActivity):
        what = " or ".join(kind.value for kind in request.kinds)
        return f"add a {request.fields.type} to the {what} for {who}"
    article = "an" if request.kind.value[0] in "aeiou" else "a"
    return f"{request.action} {article} {request.kind.value}" + ("" if request.action == "create" else f" for {who}")


def _refs(config: CrmConfig, ctx: StepContext) -> tuple[str, ...]:
    texts = [ctx.render(config.ref)] if config.ref else [str(ctx.bag.get(name) or "") for name in ("lead_ref", "email")]
    return tuple(text.strip() for text in texts if text.strip())


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`attributes.plan` inside `attributes`; a text of tags is a list of them."""
    nested = {name: value for name, value in fields.items() if not name.startswith(NESTED)}
    for prefix in NESTED:
        inner = {name.removeprefix(prefix): value for name, value in fields.items() if name.startswith(prefix)}
        if inner:
            given: Any = nested.get(prefix[:-1])
            nested[prefix[:-1]] = {**(given if isinstance(given, dict) else {}), **inner}
    if isinstance(nested.get("tags"), str):
        nested["tags"] = [tag.strip() for tag in nested["tags"].split(",") if tag.strip()]
    return nested


def _checked(model: type[F], fields: dict[str, Any]) -> F:
    """Raises StepError that names the field whose value is not acceptable. Rendered texts are read as numbers where a
    number is wanted."""
    try:
        return model.model_validate(fields, strict=False)
    except pydantic.ValidationError as error:
        raise StepError(as_domain_error(model, error).message, code="invalid_field") from None
