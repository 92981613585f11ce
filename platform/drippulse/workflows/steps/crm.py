"""`crm`: creates or changes a contact or a lead."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pydantic
from pydantic import Field

from drippulse.crm import service
from drippulse.crm.errors import RecordExistsError
from drippulse.crm.lookup import find_record
from drippulse.crm.schemas import ContactFields, LeadFields, PersonFields
from drippulse.crm.tables import RecordType
from drippulse.events.service import SystemActor
from drippulse.kit.db import Record, Session
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
from drippulse.workflows.steps.texts import render_json, template_problems

MODELS: dict[RecordType, type[PersonFields]] = {RecordType.CONTACT: ContactFields, RecordType.LEAD: LeadFields}
NOT_YET = {"add_activity": "activities", "move_stage": "opportunities with pipelines"}
UPSERT_ATTEMPTS = 2
ATTRIBUTE = "attributes."
OWN_FIELDS = ("email", "first_name", "last_name")


class CrmConfig(StepConfig):
    action: Literal["create", "update", "upsert", "add_activity", "move_stage"] = Field(
        description="create; update (the step fails when there is no record); upsert: the one or the other. "
        "add_activity and move_stage need records that do not exist yet and are refused."
    )
    record_type: str = Field(default="contact", description="contact or lead.")
    ref: str | None = Field(
        default=None,
        description="Which record: a Liquid template that gives its public id, id, external id or e-mail address. "
        "Default: the contact's lead_ref, and when no record has it, its e-mail address.",
    )
    fields: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        max_length=100,
        description="Field -> value, such as first_name, score or attributes.plan. Texts are Liquid templates. A new "
        "record gets the contact's email, first_name and last_name unless they are given here.",
    )


@dataclass(frozen=True, slots=True)
class CrmRequest:
    """What to write. `new` are the fields of a record that has to be created."""

    action: str
    kind: RecordType
    refs: tuple[str, ...]
    changes: PersonFields
    new: PersonFields


class CrmStep(LocalStep[CrmConfig]):
    type: ClassVar[str] = "crm"
    label: ClassVar[str] = "Write to the CRM"
    category: ClassVar[Category] = Category.DATA
    description: ClassVar[str] = "Creates or changes a contact or a lead."
    guarantee: ClassVar[Guarantee] = Guarantee.EXACTLY_ONCE
    test_behaviour: ClassVar[str] = "Writes nothing; logs what it would write."
    outputs: ClassVar[dict[str, str]] = {"record": "{id, public_id, record_type, created} of the record."}
    config_model = CrmConfig

    def problems(self, config: CrmConfig) -> Iterator[Problem]:
        if config.action in NOT_YET:
            needed = NOT_YET[config.action]
            yield Problem(
                "action", f"cannot be {config.action}: there are no {needed} yet; use create, update or upsert"
            )
        known = [kind.value for kind in RecordType]
        if config.record_type not in known:
            meant = did_you_mean(config.record_type, known)
            yield Problem("record_type", f'"{config.record_type}" is not a record type.{meant} Known are contact, lead')
            return
        fields = MODELS[RecordType(config.record_type)].model_fields
        for name in config.fields:
            if name not in fields and not (name.startswith(ATTRIBUTE) and len(name) > len(ATTRIBUTE)):
                meant = did_you_mean(name, fields)
                yield Problem(f"fields.{name}", f"is not a field.{meant} Own ones go into attributes.{name}")
        yield from template_problems("fields", config.fields)
        if config.ref is not None:
            yield from template_problems("ref", config.ref)

    def prepare(self, config: CrmConfig, ctx: StepContext) -> Prepared | Decision:
        kind = RecordType(config.record_type)
        given = _nested(render_json(config.fields, ctx))
        own = {name: ctx.bag[name] for name in OWN_FIELDS if isinstance(ctx.bag.get(name), str)}
        request = CrmRequest(
            config.action, kind, _refs(config, ctx), _checked(kind, given), _checked(kind, {**own, **given})
        )
        summary = {"action": config.action, "record_type": kind.value, "fields": given}
        return Prepared(request=request, summary=summary, guarantee=self.guarantee)

    async def apply(self, prepared: Prepared, ctx: StepContext, session: Session) -> Decision:
        request: CrmRequest = prepared.request
        actor = SystemActor(ctx.organization_id, "workflow", ctx.workflow_id)
        row, created = await _write(session, actor, request)
        record = {"id": str(row["id"]), "public_id": row["public_id"], "record_type": request.kind.value}
        log = f"{'Created' if created else 'Changed'} {request.kind.value} {row['public_id']}"
        return Advance(output={"record": {**record, "created": created}}, logs=(log,))

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        request: CrmRequest = prepared.request
        who = "" if request.action == "create" else f" for {_shown(request.refs)}"
        record = {"id": "", "public_id": "", "record_type": request.kind.value, "created": request.action == "create"}
        return Rehearsal(
            logs=(f"[test] Would {request.action} a {request.kind.value}{who}",), output={"record": record}
        )


async def _write(session: Session, actor: SystemActor, request: CrmRequest) -> tuple[Record, bool]:
    """The record, and whether it is new. An upsert that another transaction was faster with finds that one's record."""
    for attempt in range(UPSERT_ATTEMPTS):
        found = None if request.action == "create" else await _find(session, request, actor.organization_id)
        if found is not None:
            return await service.patch_record(session, actor, request.kind, found, request.changes), False
        if request.action == "update":
            break
        try:
            return await service.create_record(session, actor, request.kind, request.new), True
        except RecordExistsError:
            if request.action == "create" or attempt + 1 == UPSERT_ATTEMPTS:
                raise
    raise StepError(f"There is no {request.kind.value} for {_shown(request.refs)}.", code="record_not_found")


async def _find(session: Session, request: CrmRequest, organization_id: int) -> Record | None:
    for ref in request.refs:
        row = await find_record(session, request.kind, organization_id, ref)
        if row is not None:
            return row
    return None


def _refs(config: CrmConfig, ctx: StepContext) -> tuple[str, ...]:
    texts = [ctx.render(config.ref)] if config.ref else [str(ctx.bag.get(name) or "") for name in ("lead_ref", "email")]
    return tuple(text.strip() for text in texts if text.strip())


def _shown(refs: tuple[str, ...]) -> str:
    return " or ".join(f'"{ref[:100]}"' for ref in refs) or "an empty reference"


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """`attributes.plan` inside `attributes`; a text of tags is a list of them."""
    nested = {name: value for name, value in fields.items() if not name.startswith(ATTRIBUTE)}
    attributes = {name.removeprefix(ATTRIBUTE): value for name, value in fields.items() if name.startswith(ATTRIBUTE)}
    if attributes:
        given: Any = nested.get("attributes")
        nested["attributes"] = {**(given if isinstance(given, dict) else {}), **attributes}
    if isinstance(nested.get("tags"), str):
        nested["tags"] = [tag.strip() for tag in nested["tags"].split(",") if tag.strip()]
    return nested


def _checked(kind: RecordType, fields: dict[str, Any]) -> PersonFields:
    """Raises StepError that names the field whose value is not acceptable."""
    try:
        return MODELS[kind].model_validate(fields)
    except pydantic.ValidationError as error:
        raise StepError(as_domain_error(MODELS[kind], error).message, code="invalid_field") from None
