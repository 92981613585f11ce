"""The mutation `undoImport`."""

from typing import Any

from drippulse.crm.changes.schemas import Revert, RevertOut
from drippulse.crm.importing import undoing
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import IMPORT
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=IMPORT, body=Revert, answers=RevertOut)
async def undo_import(call: Call[Revert]) -> Any:
    """Deletes what the import created and sets back what it changed. What somebody changed since is left alone and
    reported. More than 1,000 changes are undone in the background."""
    wanted = call.body
    return await undoing.undo_import(
        call.session, call.principal, call.id, on_conflict=wanted.on_conflict, dry_run=wanted.dry_run
    )
