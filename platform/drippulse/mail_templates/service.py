"""What mail templates do: they are written, changed and deleted; running workflows keep the texts they were given."""

from typing import Any

from drippulse.kit.addresses import parse_mailbox
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import ValidationError, not_found
from drippulse.kit.ids import is_id
from drippulse.kit.pagination import PageRequest, listed
from drippulse.mail_templates import queries
from drippulse.mail_templates.presentation import present
from drippulse.mail_templates.schemas import TemplateTexts
from drippulse.organizations.policy import Principal
from drippulse.workflows.templates import is_template, shared_templates

TEXTS = ("subject", "body", "html", "sender")


async def create_template(session: Session, principal: Principal, texts: TemplateTexts) -> Record:
    """Raises ValidationError when a text is no valid Liquid, or there is none to send."""
    _check(texts)
    return await get_template(session, principal, await queries.insert(session, principal.organization_id, texts))


async def get_template(session: Session, principal: Principal, template_id: int) -> Record:
    """Raises NotFoundError."""
    row = await queries.by_id(session, principal.organization_id, template_id)
    if row is None:
        raise not_found("template")
    return row


async def list_templates(session: Session, principal: Principal, wanted: PageRequest) -> dict[str, Any]:
    """As `MailTemplateList`, newest first."""
    organization_id = principal.organization_id
    rows = await queries.page(session, organization_id, wanted.fetch, wanted.offset, wanted.before_id)
    total = await queries.count(session, organization_id)
    return listed("mail_templates", rows, wanted, present, total)


async def update_template(
    session: Session, principal: Principal, template_id: int, changes: dict[str, str | None]
) -> Record:
    """Change the fields that `changes` has; `version` rises."""
    row = await get_template(session, principal, template_id)
    before: dict[str, str | None] = {name: row[name] for name in ("name", *TEXTS)}
    after = {**before, **changes}
    texts = TemplateTexts(after["name"] or "", after["subject"] or "", after["body"], after["html"], after["sender"])
    _check(texts)
    await queries.update(session, principal.organization_id, template_id, texts)
    return await get_template(session, principal, template_id)


async def delete_template(session: Session, principal: Principal, template_id: int) -> None:
    """Workflows that use it go on with their snapshot; saving one again is refused. Raises NotFoundError."""
    known = is_id(template_id)
    if not (known and await queries.soft_delete(session, principal.organization_id, template_id)):
        raise not_found("template")


def _check(texts: TemplateTexts) -> None:
    errors: dict[str, list[str]] = {}
    for name in TEXTS:
        source: str | None = getattr(texts, name)
        problem = shared_templates().parse_error(source) if source else None
        if problem:
            errors[name] = [f"Not a valid Liquid template: {problem}."]
    if texts.sender and not is_template(texts.sender) and parse_mailbox(texts.sender) is None:
        errors["from"] = ["Not an e-mail address; write ana@example.com or Ana <ana@example.com>."]
    if not (texts.body or texts.html):
        errors["body"] = ["Give a text body, an HTML body, or both."]
    if errors:
        field, sentences = next(iter(errors.items()))
        raise ValidationError(f"{field}: {sentences[0]}", errors=errors)
