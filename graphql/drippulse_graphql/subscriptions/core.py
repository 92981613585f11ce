"""graphql-core's execution of subscriptions, whose signatures leave types open."""

import inspect
from typing import Any, cast

import graphql
from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema

from drippulse_graphql.kit.http import Operation

_core = cast("Any", graphql)


async def source_stream(
    schema: GraphQLSchema, document: DocumentNode, context: object, operation: Operation
) -> ExecutionResult | list[GraphQLError] | Any:
    """What the subscription field answers, or the errors that it could not be asked for."""
    made = _core.Executor.build(
        schema,
        document,
        context_value=context,
        raw_variable_values=operation.variables,
        operation_name=operation.operation_name,
    )
    if isinstance(made, list):
        return cast("list[GraphQLError]", made)
    return await _awaited(_core.create_source_event_stream(made))


async def execute_event(
    schema: GraphQLSchema, document: DocumentNode, event: object, context: object, operation: Operation
) -> ExecutionResult:
    """The selection over one event."""
    return await _awaited(
        _core.execute(
            schema,
            document,
            root_value=event,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.operation_name,
        )
    )


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
