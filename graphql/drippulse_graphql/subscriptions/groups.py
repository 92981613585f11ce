"""Subscribers who ask for the same: one execution for all of them."""

import re
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import asyncpg
import orjson
from graphql import DocumentNode, FieldNode, GraphQLSchema, VariableNode

from drippulse.events.log_position import LogPosition
from drippulse.events.log_reading import LogEntry
from drippulse.graphql_clients.documents.standing import RunningDocument
from drippulse.kit.errors import DomainError
from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.documents import operation_of
from drippulse_graphql.kit.errors import execution_errors
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.subscriptions.core import execute_event
from drippulse_graphql.subscriptions.source import Wanted, payload_of
from drippulse_graphql.subscriptions.wards import Ward

UNREACHABLE = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError, OSError)
GroupKey: TypeAlias = tuple[Wanted, RunningDocument, str | None, bytes, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One event for a client: the execution result as JSON, and the place in the log right behind it."""

    position: LogPosition
    payload: bytes
    failed: bool = False  # something unforeseen: alone it may come to something


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription operation that has been let in."""

    principal: Principal
    operation: Operation
    document: DocumentNode
    wanted: Wanted
    running: RunningDocument

    @property
    def key(self) -> GroupKey:
        """The role is what answers differ by within an organization; the rest of the principal is taken away."""
        variables = {name: value for name, value in self.operation.variables.items() if name != self._cursor_variable()}
        named = orjson.dumps(variables, option=orjson.OPT_SORT_KEYS)
        return self.wanted, self.running, self.operation.operation_name, named, self.principal.role.value

    def _cursor_variable(self) -> str | None:
        """The variable that only says where to go on: everybody's is another."""
        operation = operation_of(self.document, self.operation.operation_name)
        for node in operation.selection_set.selections:
            for argument in (node.arguments or ()) if isinstance(node, FieldNode) else ():
                if argument.name.value == "after" and isinstance(argument.value, VariableNode):
                    name = argument.value.name.value
                    used = len(re.findall(rf"\${re.escape(name)}\b", self.operation.query))
                    return name if used == 2 else None  # declared, and used here alone
        return None


def anybody(principal: Principal) -> Principal:
    """The principal that a group is executed for: nothing of one subscriber can get into what all of them are told."""
    return replace(principal, actor_type="subscription", actor_id=0, credential="subscription", user_id=None)


@dataclass(eq=False, slots=True)
class Group:
    """`asked` is that of the first subscriber. `ward` is to be watched over as long as there are any."""

    asked: Asked
    schema: GraphQLSchema
    subscribers: set[Any] = field(default_factory=set[Any])
    ward: Ward = field(init=False)

    def __post_init__(self) -> None:
        self.ward = Ward(self.asked.running, self._document_ended)

    async def message(self, context: Context, entry: LogEntry) -> Message:
        """Execute the selection over one entry of the log."""
        operation = self.asked.operation
        event = payload_of(entry, self.asked.wanted)
        found = await execute_event(self.schema, self.asked.document, event, context, operation)
        errors = found.errors or ()
        for error in errors:
            if isinstance(error.original_error, UNREACHABLE):
                raise error.original_error  # it is told when the database is there again
        failed = any(not isinstance(error.original_error, DomainError | None) for error in errors)
        return Message(entry.position, result_bytes(found.data, execution_errors(errors)), failed)

    def _document_ended(self) -> None:
        for subscriber in list(self.subscribers):
            subscriber.end(self.asked.running.ended)


def result_bytes(data: Any, errors: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"errors": errors, "data": data} if errors else {"data": data})
