"""The mutations of this feature."""

from drippulse_graphql.integrations.create_integration_connection import create_integration_connection
from drippulse_graphql.integrations.delete_integration_connection import delete_integration_connection
from drippulse_graphql.integrations.try_integration_connection import test_integration_connection
from drippulse_graphql.integrations.update_integration_connection import update_integration_connection
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    create_integration_connection,
    update_integration_connection,
    delete_integration_connection,
    test_integration_connection,
)
