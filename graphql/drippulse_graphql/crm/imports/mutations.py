"""The mutations of this feature."""

from drippulse_graphql.crm.imports.cancel_import import cancel_import
from drippulse_graphql.crm.imports.undo_import import undo_import
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    cancel_import,
    undo_import,
)
