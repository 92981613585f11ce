"""Reads of mail templates."""

from typing import Any

from drippulse.mail_templates import service
from drippulse.mail_templates.listing import LISTING
from drippulse.mail_templates.presentation import present
from drippulse.mail_templates.schemas import MailTemplateList, MailTemplateOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read
from drippulse_graphql.mail_templates.answers import MAIL_TEMPLATE


@read(Permission.READ, listing=LISTING, answers=MailTemplateList, covers=("v1ListTemplates",))
async def mail_templates(call: Reading) -> Any:
    """Newest first."""
    return await service.list_templates(call.session, call.principal, call.wanted.page)


@read(Permission.READ, about=MAIL_TEMPLATE, answers=MailTemplateOut, covers=("v1GetTemplate",))
async def mail_template(call: Reading) -> Any:
    """One template; null for unknown ids."""
    return present(await service.get_template(call.session, call.principal, call.id))


READS: tuple[Declared, ...] = (mail_templates, mail_template)
