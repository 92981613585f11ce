"""Reads of imports."""

from typing import Any

from drippulse.crm.importing import service
from drippulse.crm.importing.listing import LISTING
from drippulse.crm.importing.schemas import ImportList, ImportOut
from drippulse.crm.importing.undoing import shown_import
from drippulse.organizations.policy import Permission
from drippulse_graphql.crm.answers import IMPORT
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read


@read(Permission.READ, listing=LISTING, answers=ImportList, covers=("listImports",))
async def imports(call: Reading) -> Any:
    """Imports of files, newest first."""
    return await service.list_imports(call.session, call.principal, call.wanted)


@read(Permission.READ, about=IMPORT, answers=ImportOut, covers=("getImport",), name="import")
async def import_(call: Reading) -> Any:
    """Its status, its progress and what became of its rows so far; null for unknown ids."""
    return await shown_import(call.session, call.principal, call.id)


READS: tuple[Declared, ...] = (imports, import_)
