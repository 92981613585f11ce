"""The mutation `deleteMailTemplate`."""

from typing import Any

from drippulse.mail_templates import service
from drippulse.organizations.policy import Permission
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.mail_templates.answers import MAIL_TEMPLATE


@mutation(Permission.WRITE, about=MAIL_TEMPLATE, covers=("v1DeleteTemplate",))
async def delete_mail_template(call: Call[None]) -> Any:
    """A workflow that names it can be saved again once it names another."""
    await service.delete_template(call.session, call.principal, call.id)
