"""What a request is counted under: found once per document, but for deprecated parts in its variables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    visit,
)

from drippulse.graphql_clients.usage.counting import MAX_LENGTH, GraphqlUsage, Use
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.recent import Recent
from drippulse_graphql.kit.documents import MAX_CACHED, MAX_CACHED_LENGTH, Documents, operation_of
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.usage_in_variables import Watched, outdated_types, sent_in, watched_of

CLIENT_NAMES = ("apollographql-client-name", "x-client-name")
CLIENT_VERSIONS = ("apollographql-client-version", "x-client-version")
SHOWN_OF_HASH = 12


class UsageOfOperations:
    """Counts operations that were let run. One per process."""

    def __init__(self, schema: GraphQLSchema, documents: Documents, usage: GraphqlUsage) -> None:
        self._schema = schema
        self._documents = documents
        self._usage = usage
        self._outdated = outdated_types(schema)
        self._known: Recent[tuple[str, str | None], _Known] = Recent(MAX_CACHED)

    def count(self, organization_id: int, headers: Mapping[str, str], operation: Operation) -> None:
        """One request for an operation of a valid document."""
        key = (operation.query, operation.operation_name)
        known = self._known.get(key)
        if known is None:
            known = self._look_at(*key)
            if len(operation.query) <= MAX_CACHED_LENGTH:
                self._known.put(key, known)
        use = self._with_variables(known, operation.variables) if known.watched else known.use
        self._usage.count(organization_id, _first(headers, CLIENT_NAMES), _first(headers, CLIENT_VERSIONS), use)

    def _look_at(self, text: str, name: str | None) -> "_Known":
        document = self._documents.checked(text)
        operation = operation_of(document, name)
        use = Use(_label(operation, text)[:MAX_LENGTH], deprecated_in(self._schema, document))
        return _Known(use, watched_of(self._schema, operation, self._outdated))

    def _with_variables(self, known: "_Known", variables: Mapping[str, Any]) -> Use:
        sent = sent_in(known.watched, variables, self._outdated)
        return replace(known.use, deprecated=tuple(sorted(sent.union(known.use.deprecated)))) if sent else known.use


@dataclass(frozen=True, slots=True)
class _Known:
    """What is counted of a document whatever its variables are, and which of them may add to it."""

    use: Use
    watched: Watched


def deprecated_in(schema: GraphQLSchema, document: DocumentNode) -> tuple[str, ...]:
    """The deprecated fields, arguments, input fields and enum values that a valid document names, as schema
    coordinates."""
    info = TypeInfo(schema)
    found = _Deprecated(info)
    visit(document, TypeInfoVisitor(info, found))
    return tuple(sorted(found.coordinates))


class _Deprecated(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.coordinates: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        field, parent = self._info.get_field_def(), self._info.get_parent_type()
        if field is not None and parent is not None and field.deprecation_reason is not None:
            self.coordinates.add(f"{parent.name}.{node.name.value}")

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        argument, parent, field = self._info.get_argument(), self._info.get_parent_type(), self._field
        if argument is not None and argument.deprecation_reason is not None and parent is not None:
            self.coordinates.add(f"{parent.name}.{field}({node.name.value}:)")

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        info: Any = self._info  # its types of inputs are partly unknown
        parent = cast("GraphQLNamedType | None", get_named_type(info.get_parent_input_type()))
        given = parent.fields.get(node.name.value) if isinstance(parent, GraphQLInputObjectType) else None
        if parent is not None and given is not None and given.deprecation_reason is not None:
            self.coordinates.add(f"{parent.name}.{node.name.value}")

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        info: Any = self._info
        value = self._info.get_enum_value()
        enum = cast("GraphQLNamedType | None", get_named_type(info.get_input_type()))
        if value is not None and enum is not None and value.deprecation_reason is not None:
            self.coordinates.add(f"{enum.name}.{node.value}")

    @property
    def _field(self) -> str:
        field: Any = self._info.get_field_def()
        parent: Any = self._info.get_parent_type()
        return next((name for name, one in parent.fields.items() if one is field), "")


def _label(operation: OperationDefinitionNode, text: str) -> str:
    return operation.name.value if operation.name else f"sha256:{sha256_hex(text)[:SHOWN_OF_HASH]}"


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := headers.get(name))), "")
