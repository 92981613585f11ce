"""What the models of integrations are in the schema."""

from drippulse.integrations.schemas import ConnectionList, ConnectionOut, ConnectionTestOut
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import called, identified

CONNECTION = Subject("IntegrationConnection")
identified(ConnectionOut, CONNECTION.type_name)
called(ConnectionOut, CONNECTION.type_name)
called(ConnectionTestOut, "IntegrationConnectionTest")
called(ConnectionList, "IntegrationConnectionList")
