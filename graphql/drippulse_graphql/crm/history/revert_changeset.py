"""The mutation `revertCrmChangeset`."""

from typing import Any

from drippulse.crm.changes import reverting
from drippulse.crm.changes.schemas import Revert, RevertOut
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import CHANGESET
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=CHANGESET, body=Revert, answers=RevertOut)
async def revert_crm_changeset(call: Call[Revert]) -> Any:
    """Deletes what it created, restores what it deleted, sets fields back to what they were. A field that somebody
    changed since is left alone and reported. The undoing is a changeset too and can be undone."""
    wanted = call.body
    return await reverting.revert(
        call.session, call.principal, call.id, on_conflict=wanted.on_conflict, dry_run=wanted.dry_run
    )
