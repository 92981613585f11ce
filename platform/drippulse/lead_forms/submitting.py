"""What strangers do with a form: see it, and send it. The form's token is all they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from drippulse.crm import queries as crm_queries
from drippulse.crm import service as crm
from drippulse.crm.changes.service import OpenChangeset
from drippulse.crm.changes.tables import Source
from drippulse.crm.errors import RecordExistsError
from drippulse.crm.merging import aliases
from drippulse.crm.schemas import LeadFields
from drippulse.crm.tables import RecordType
from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.starting import start_enrollments
from drippulse.enrollments.wake import Waker
from drippulse.events.service import SystemActor
from drippulse.kit.addresses import normalize_address, same_mailbox_key
from drippulse.kit.clock import Clock, isoformat
from drippulse.kit.crypto import LinkSigner
from drippulse.kit.db import Database, Record, Role, Session
from drippulse.kit.errors import DomainError, ValidationError
from drippulse.kit.json import dump_json
from drippulse.kit.validation import parse
from drippulse.lead_forms import queries
from drippulse.lead_forms.errors import FormNotFoundError, FormPausedError, FormRefusedError
from drippulse.lead_forms.policy import CUSTOM
from drippulse.lead_forms.schemas import FormField
from drippulse.lead_forms.state import HONEYPOT, STAMP, Age, Stamps, read
from drippulse.lead_forms.tables import FormStatus
from drippulse.settings import Settings

LONGEST_TOKEN: Final = 100
AGAIN: Final = {
    Age.TOO_SHORT: "That was very fast. Please check what you entered and send it again.",
    Age.TOO_LONG: "This page was open for very long. Please check what you entered and send it again.",
}
ON_THE_LIST: Final = "the address is on the suppression list"


@dataclass(frozen=True, slots=True)
class OpenForm:
    """A form as a visitor sees it."""

    id: int
    organization_id: int
    token: str
    row: Record
    fields: tuple[FormField, ...]
    branding: Mapping[str, Any]

    @property
    def sender(self) -> str:
        """Who asks."""
        return str(self.branding.get("public_name") or self.row["organization_name"])


@dataclass(frozen=True, slots=True)
class Submission:
    """What was sent, and where from."""

    given: Mapping[str, Any]
    address: str


class PublicForms:
    """The forms of one installation."""

    def __init__(self, database: Database, settings: Settings, waker: Waker, clock: Clock) -> None:
        self._database = database
        self._waker = waker
        self._clock = clock
        self._stamps = Stamps(LinkSigner(settings))

    def stamp(self, form: OpenForm) -> str:
        """What the page sends back, so that its age is known."""
        return self._stamps.make(form.token, self._clock())

    async def find(self, token: str) -> OpenForm:
        """Raises FormNotFoundError and FormPausedError."""
        form = await self._find(token)
        if form.row["status"] != FormStatus.ACTIVE:
            raise FormPausedError
        return form

    async def _find(self, token: str) -> OpenForm:
        if not token.isascii() or len(token) > LONGEST_TOKEN or "\x00" in token:
            raise FormNotFoundError
        async with self._database.session(Role.APP) as session:
            organization_id = await queries.organization_of(session, token)
        if organization_id is None:
            raise FormNotFoundError
        async with self._database.tenant(organization_id) as session:
            row = await queries.by_token(session, organization_id, token)
        if row is None:
            raise FormNotFoundError
        fields = tuple(FormField.model_validate(field) for field in orjson.loads(row["fields"]))
        return OpenForm(row["id"], organization_id, token, row, fields, orjson.loads(row["branding"]))

    async def submit(self, form: OpenForm, submission: Submission) -> None:
        """Make a lead of what was sent, or change the one with this address; the answer is the same for both.

        What fills in the hidden field is counted and dropped, and is told that all went well.

        Raises:
            FormRefusedError: something has to be filled in differently, or sent again. Nothing is stored.
        """
        if submission.given.get(HONEYPOT):
            async with self._database.tenant(form.organization_id) as session:
                await queries.count(session, form.organization_id, form.id, refused=True)
            return
        sent = read(form.fields, form.row["consent_text"], submission.given)
        errors = dict(sent.errors)
        age = self._stamps.age(str(submission.given.get(STAMP, "")), form.token, self._clock())
        if age is not Age.RIGHT:
            errors["form"] = [AGAIN[age]]
        if errors:
            raise FormRefusedError(errors)
        async with self._database.tenant(form.organization_id) as session:
            await self._store(session, form, sent.values, submission.address)

    async def _store(self, session: Session, form: OpenForm, values: Mapping[str, str], address: str) -> None:
        actor = SystemActor(form.organization_id, "lead_form", form.id)
        try:
            lead, created = await self._lead(session, actor, form, values, address)
        except ValidationError as error:
            raise FormRefusedError(_by_name(form, error)) from None
        enrollment_id, reason = await self._enroll(session, actor, form, lead)
        row = form.row
        await queries.add_submission(
            session,
            form.organization_id,
            form.id,
            lead["id"],
            lead["public_id"],
            created,
            dump_json(dict(values)),
            row["consent_text"],
            address,
            row["workflow_id"],
            enrollment_id,
            reason,
        )
        await queries.count(session, form.organization_id, form.id, refused=False)
        session.after_commit(self._waker.wake)

    async def _lead(
        self, session: Session, actor: SystemActor, form: OpenForm, values: Mapping[str, str], address: str
    ) -> tuple[Record, bool]:
        """The lead, and whether it is new. What a known lead has and the form does not ask for stays."""
        changeset = OpenChangeset(Source.LEAD_FORM, label=form.row["name"])
        email = normalize_address(values.get("email", ""))
        for _ in range(3):  # somebody else may create or delete it in between
            known, former = await _known(session, form.organization_id, email)
            given = {name: value for name, value in values.items() if name != "email" or not former}
            fields = self._fields(form, given, address, known)
            if fields.owner_id and not await crm_queries.is_member(session, form.organization_id, fields.owner_id):
                fields.owner_id = None  # who has left gets no leads, and costs none
            if known:
                row = await crm.patch_record(session, actor, RecordType.LEAD, known, fields, changeset)
                return row, False
            try:
                return await crm.create_record(session, actor, RecordType.LEAD, fields, changeset), True
            except RecordExistsError:
                continue
        raise RecordExistsError(RecordType.LEAD.value, "e-mail address")

    def _fields(self, form: OpenForm, values: Mapping[str, str], address: str, known: Record | None) -> LeadFields:
        row = form.row
        custom = {name.removeprefix(CUSTOM): value for name, value in values.items() if name.startswith(CUSTOM)}
        fields: dict[str, Any] = {name: value for name, value in values.items() if not name.startswith(CUSTOM)}
        if custom:
            fields["custom_fields"] = custom
        if row["consent_text"]:
            agreed = {"text": row["consent_text"], "at": isoformat(self._clock()), "address": address}
            fields["attributes"] = {"consent": {**agreed, "form": row["name"]}}
        before: list[str] = [] if known is None else list(known["tags"])
        fields["tags"] = list(dict.fromkeys([*before, *row["tags"]]))
        if known is None:
            fields |= {"source": row["source"] or row["name"], "owner_id": row["owner_id"]}
        return parse(LeadFields, fields)

    async def _enroll(
        self, session: Session, actor: SystemActor, form: OpenForm, lead: Record
    ) -> tuple[int | None, str | None]:
        """The run, or why there is none: what the form says must not cost the lead."""
        workflow_id, email = form.row["workflow_id"], lead["email"]
        if workflow_id is None or email is None:
            return None, None
        if await queries.is_suppressed(session, form.organization_id, same_mailbox_key(email)):
            return None, ON_THE_LIST
        names = ("first_name", "last_name", "company", "title", "phone", "website", "city", "country", "source")
        contact = {name: lead[name] for name in names if lead[name]}
        contact |= {"email": email, "lead_ref": lead["public_id"], "custom": orjson.loads(lead["custom_fields"])}
        if lead["timezone"]:
            contact["timezone"] = lead["timezone"]
        batch = read_batch({"contacts": [contact]}, may_hold_nul=False)
        try:
            async with session.savepoint():
                started = await start_enrollments(session, actor, workflow_id, batch.rows)
        except DomainError as error:
            return None, error.message
        result = started.rows[0]
        return result.enrollment_id, result.reason


def _by_name(form: OpenForm, error: ValidationError) -> dict[str, list[str]]:
    """Errors of the lead under the names of the form's fields; others concern the whole form."""
    names = {field.name for field in form.fields}
    found: dict[str, list[str]] = {}
    for place, sentences in error.errors.items():
        name = place.replace("custom_fields.", CUSTOM, 1)
        found.setdefault(name if name in names else "form", []).extend(sentences)
    return found or {"form": [error.message]}


async def _known(session: Session, organization_id: int, email: str | None) -> tuple[Record | None, bool]:
    """The lead with this address, and whether it was that of a lead which was merged into it and keeps its own."""
    if email is None:
        return None, False
    key = same_mailbox_key(email)
    known = await crm_queries.by_email_key(session, RecordType.LEAD, organization_id, key)
    if known is not None:
        return known, False
    known = await aliases.by_email_key(session, RecordType.LEAD, organization_id, key)
    return known, known is not None
