"""From the text of a document to one that may be executed: parsed, limited, validated; once per text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from drippulse.graphql_clients.documents.checking import Flaw
from drippulse.graphql_clients.documents.errors import UnknownDocumentError
from drippulse.kit.errors import BadRequestError, DomainError
from drippulse.kit.recent import Recent
from drippulse_graphql.kit.cost import check_cost, cost_of
from drippulse_graphql.kit.limits import MAX_TOKENS, DocumentTooComplexError, check_limits, check_numbers

MAX_CACHED = 1_000
MAX_CACHED_LENGTH = 20_000
MAX_ERRORS = 5
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)

Prepared: TypeAlias = tuple[DocumentNode, OperationType]
Variables: TypeAlias = Mapping[str, Any]


class InvalidDocumentError(DomainError):
    """It does not parse, or asks for what the schema does not have; `causes` say where."""

    code = "invalid_document"
    status = 400

    def __init__(self, causes: list[GraphQLError], code: str) -> None:
        super().__init__(causes[0].message, code=code)
        self.causes = causes


class UnknownOperationError(BadRequestError):
    code = "unknown_operation"


REFUSALS = (InvalidDocumentError, DocumentTooComplexError, UnknownOperationError, UnknownDocumentError)
"""The request was well formed, its document cannot be run."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A document that was parsed and validated; `affordable` has the names of operations whose cost is known."""

    document: DocumentNode
    affordable: set[str | None] = field(default_factory=set[str | None])


class Documents:
    """The documents of one process, the least recently used dropped first."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._cache: Recent[str, _Checked] = Recent(MAX_CACHED)

    def __len__(self) -> int:
        return len(self._cache)

    def prepare(self, text: str, operation_name: str | None, variables: Variables | None = None) -> Prepared:
        """The document, and the type of the operation to run.

        Raises:
            InvalidDocumentError, DocumentTooComplexError, UnknownOperationError: 400 each.
        """
        known = self._known(text)
        operation = operation_of(known.document, operation_name)
        if operation_name not in known.affordable:
            check_cost(self._schema, known.document, operation, variables or {})
            if not operation.variable_definitions:  # it costs the same every time
                known.affordable.add(operation_name)
        return known.document, operation.operation

    def cost(self, text: str, operation_name: str | None, variables: Variables) -> int:
        """How many rows an operation that was prepared may answer at most, as the limit counts them."""
        document = self.checked(text)
        return cost_of(self._schema, document, operation_of(document, operation_name), variables)

    def checked(self, text: str) -> DocumentNode:
        """The document alone, from the cache when it is there. Raises InvalidDocumentError, DocumentTooComplexError."""
        return self._known(text).document

    def _known(self, text: str) -> "_Checked":
        known = self._cache.get(text)
        if known is None:
            known = _Checked(self._check(text))
            if len(text) <= MAX_CACHED_LENGTH:
                self._cache.put(text, known)
        return known

    def flaws(self, text: str) -> list[Flaw]:
        """Why nobody could run it, whatever the variables; nothing is cached. Empty when it can be run."""
        try:
            document = self._check(text)
            for operation in document.definitions:
                if isinstance(operation, OperationDefinitionNode):
                    check_cost(self._schema, document, operation, {})
        except InvalidDocumentError as error:
            return [_flaw(cause, error.error_code) for cause in error.causes]
        except DocumentTooComplexError as error:
            return [Flaw(error.error_code, error.message)]
        return []

    def _check(self, text: str) -> DocumentNode:
        document = _parsed(text)
        check_limits(document)
        check_numbers(document, text)
        errors = validate(self._schema, document, RULES, max_errors=MAX_ERRORS)
        if errors:
            raise InvalidDocumentError(errors, "validation_failed")
        return document


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        if f"more than {MAX_TOKENS} tokens" in error.message:
            raise DocumentTooComplexError(
                f"A document may have {MAX_TOKENS} tokens; this one has more. Split it, or use variables.",
                code="too_many_tokens",
            ) from None
        if "nested too deeply" in error.message:
            raise DocumentTooComplexError("The document nests too deeply.", code="document_too_deep") from None
        raise InvalidDocumentError([error], "syntax_error") from None


def _flaw(cause: GraphQLError, code: str) -> Flaw:
    place = cause.locations[0] if cause.locations else None
    return Flaw(code, cause.message, place.line if place else None, place.column if place else None)


def operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The one to run. Raises UnknownOperationError."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None and len(operations) == 1:
        return operations[0]
    for node in operations:
        if name is not None and node.name is not None and node.name.value == name:
            return node
    names = ", ".join(node.name.value for node in operations if node.name is not None)
    if name is None:
        raise UnknownOperationError(f"The document has several operations; say which in operationName: {names}.")
    raise UnknownOperationError(
        f'The document has no operation "{name[:100]}"; it has {names or "one without a name"}.'
    )
