"""The mutation `cancelImport`."""

from typing import Any

from drippulse.crm.importing import service
from drippulse.crm.importing.presentation import present
from drippulse.crm.importing.schemas import ImportOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import IMPORT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=IMPORT, answers=ImportOut)
async def cancel_import(call: Call[None]) -> Any:
    """It stops at once. What is imported already stays, and can be undone."""
    return present(await service.cancel_import(call.session, call.principal, call.id))
