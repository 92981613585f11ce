"""Running one operation: in one transaction, for one caller."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import strawberry
from graphql import DocumentNode, GraphQLSchema, OperationType

from drippulse.kit.db import Session
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Permission, Principal
from drippulse_graphql.kit.apart import runs_apart
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.errors import execution_errors
from drippulse_graphql.kit.http import MethodNotAllowedError, Operation
from drippulse_graphql.kit.not_streamed import NotStreamedError
from drippulse_graphql.kit.planning.planner import Planned, Planner, complete


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` is None when the operation failed as a whole; not even begun is one whose variables do not fit."""

    data: Any
    errors: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    text: str | None = None
    """`data` as PostgreSQL wrote it, instead of `data`."""
    plan: dict[str, Any] | None = None
    """For callers who asked, and may see it: how the operation ran."""

    @property
    def begun(self) -> bool:
        return self.data is not None or self.text is not None or any("path" in error for error in self.errors)

    def result(self) -> bytes:
        """The whole as JSON, with how it ran; of one that has begun."""
        told = {} if self.plan is None else {"extensions": {"plan": self.plan}}
        if self.text is not None:
            end = b"," + orjson.dumps(told)[1:] if told else b"}"
            return b'{"data":' + self.text.encode() + end
        errors = {"errors": self.errors} if self.errors else {}
        return orjson.dumps({**errors, "data": self.data, **told})


class _Undone(Exception):  # noqa: N818 - it undoes a transaction; it is no error of ours
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Executor:
    """Executes operations of one schema. One per process."""

    def __init__(
        self, schema: strawberry.Schema, core: GraphQLSchema, documents: Documents, services: AppServices
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._services = services
        self._planner = Planner(schema, core)

    async def execute(self, principal: Principal, operation: Operation, *, read_only: bool) -> Answer:
        """Run it; a mutation with any error leaves nothing behind.

        Raises:
            InvalidDocumentError, DocumentTooComplexError, UnknownOperationError: nothing was run.
            NotStreamedError: it is a subscription.
            MethodNotAllowedError: `read_only`, and it is a mutation.
        """
        document, kind = self._documents.prepare(operation.query, operation.operation_name, operation.variables)
        if kind is OperationType.SUBSCRIPTION:
            raise NotStreamedError
        if read_only and kind is OperationType.MUTATION:
            raise MethodNotAllowedError("GET runs queries only; send this operation with POST.")
        if kind is OperationType.MUTATION and runs_apart(document, operation.operation_name):
            answer = await self.run(None, principal, document, operation)
            return Answer(None, answer.errors) if answer.errors else answer
        began = time.perf_counter()
        planned = self._planner.plan(
            operation.query, operation.operation_name, document, operation.variables, principal
        )
        answer = None if planned is None else await self._read(planned, principal)
        if answer is not None:
            return self._telling(answer, principal, operation, 1, began)
        try:
            async with self._services.database.tenant(principal.organization_id) as session:
                answer = await self.run(session, principal, document, operation)
                if answer.errors and kind is OperationType.MUTATION:
                    raise _Undone(Answer(None, answer.errors))
        except _Undone as undone:
            return undone.answer
        tried = 0 if planned is None else 1
        return self._telling(answer, principal, operation, session.statements + tried, began)

    async def _read(self, planned: Planned, principal: Principal) -> Answer | None:
        """None: something is missing that the schema promises, and the resolvers have to say what."""
        text: str = await self._services.database.read(principal.organization_id, planned.sql, *planned.values)
        return Answer(None, text=text) if complete(text) else None

    def _telling(
        self, answer: Answer, principal: Principal, operation: Operation, statements: int, began: float
    ) -> Answer:
        """With how it ran, for who asks for that and may see it."""
        if not operation.plan or not principal.allows(Permission.ADMINISTER):
            return answer
        return replace(answer, plan=self._told(operation, answer, statements, began))

    def _told(self, operation: Operation, answer: Answer, statements: int, began: float) -> dict[str, Any]:
        return {
            "mode": "resolved" if answer.text is None else "planned",
            "statements": statements,
            "milliseconds": round((time.perf_counter() - began) * 1000, 3),
            "cost": self._documents.cost(operation.query, operation.operation_name, operation.variables),
        }

    async def run(
        self, session: Session | None, principal: Principal, document: DocumentNode, operation: Operation
    ) -> Answer:
        """Run a prepared document in an open transaction; in none, a mutation that runs apart."""
        context = Context(principal, session, self._services, document)
        result = await self._schema.execute(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
        )
        return Answer(result.data, execution_errors(result.errors or ()))
