"""The mutation `createMailTemplate`."""

from typing import Any

from drippulse.mail_templates import service
from drippulse.mail_templates.presentation import present
from drippulse.mail_templates.schemas import MailTemplateOut, TemplateFields
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, body=TemplateFields, answers=MailTemplateOut, covers=("v1CreateTemplate",))
async def create_mail_template(call: Call[TemplateFields]) -> Any:
    """Texts are Liquid and see the contact's fields, `contact.attributes` and `vars`."""
    return present(await service.create_template(call.session, call.principal, call.body.texts))
