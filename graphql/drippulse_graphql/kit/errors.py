"""Errors as GraphQL answers them: domain errors with their code, everything unforeseen masked and logged."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import structlog
from graphql import GraphQLError

from drippulse.kit.errors import DomainError
from drippulse_graphql.kit.documents import InvalidDocumentError

log = structlog.get_logger("drippulse.graphql")

INTERNAL = "internal_error"


def request_id() -> str:
    """The one that the edge bound to the logs of this request, or a new one."""
    return str(structlog.contextvars.get_contextvars().get("request_id") or uuid4())


def domain_error(error: DomainError) -> list[dict[str, Any]]:
    """The errors of an answer without data."""
    if isinstance(error, InvalidDocumentError):
        return [_formatted(cause, cause.message, {"code": error.error_code}) for cause in error.causes]
    return [{"message": error.message, "extensions": _extensions(error)}]


def internal_error(error: BaseException) -> dict[str, Any]:
    """Logs what happened; the caller only learns the request id to ask about."""
    reference = request_id()
    log.error("graphql_internal_error", reference=reference, exc_info=error)
    return {
        "message": f"Something went wrong on our side. Ask about request {reference}.",
        "extensions": {"code": INTERNAL, "request_id": reference},
    }


def execution_errors(errors: Sequence[GraphQLError]) -> list[dict[str, Any]]:
    """The errors of an executed operation, with their paths."""
    return [_execution_error(error) for error in errors]


def _execution_error(error: GraphQLError) -> dict[str, Any]:
    cause = _cause(error)
    if isinstance(cause, DomainError):
        return _formatted(error, cause.message, _extensions(cause))
    if isinstance(cause, GraphQLError):
        return _formatted(error, error.message, {"code": "bad_user_input"})
    masked = internal_error(cause)
    return _formatted(error, masked["message"], masked["extensions"])


def _cause(error: GraphQLError) -> BaseException:
    cause: BaseException = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _extensions(error: DomainError) -> dict[str, Any]:
    fields = {"errors": error.errors} if error.errors else {}
    return {"code": error.error_code, **fields}


def _formatted(error: GraphQLError, message: str, extensions: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"message": message}
    if error.locations:
        made["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        made["path"] = error.path
    return {**made, "extensions": extensions}
