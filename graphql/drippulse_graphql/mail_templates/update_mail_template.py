"""The mutation `updateMailTemplate`."""

from typing import Any

from drippulse.mail_templates import service
from drippulse.mail_templates.presentation import present
from drippulse.mail_templates.schemas import MailTemplateOut, TemplateChanges
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.mail_templates.answers import MAIL_TEMPLATE


@mutation(
    Permission.WRITE, about=MAIL_TEMPLATE, body=TemplateChanges, answers=MailTemplateOut, covers=("v1UpdateTemplate",)
)
async def update_mail_template(call: Call[TemplateChanges]) -> Any:
    """Workflows that use it keep the texts they have until they are saved or published again."""
    changes = call.body.model_dump(exclude_unset=True)
    return present(await service.update_template(call.session, call.principal, call.id, changes))
