"""The examples of the explorer: every feature of the schema has one, and each is whole."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, cast

import pytest
from graphql import (
    FieldNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    parse,
    validate,
)
from strawberry.utils.str_converters import to_camel_case

import drippulse_graphql
from drippulse_graphql.explorer.all_examples import EXAMPLES
from drippulse_graphql.explorer.example import Example
from drippulse_graphql.schema import core_schema, schema
from tests.support.explorer import answers_in

NEED_FILES = {("crm.imports", "Mutation")}
"""Both are about an import, and files come over REST alone."""


def operation_of(example: Example) -> OperationDefinitionNode:
    [operation] = parse(example.query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def fields_of(node: Any) -> Iterator[FieldNode]:
    """Those of its selection, also those below inline fragments."""
    for selection in node.selection_set.selections if node.selection_set else ():
        yield from (selection,) if isinstance(selection, FieldNode) else fields_of(selection)


def shows(node: Any, path: list[str]) -> bool:
    """Whether the selection has what stands at the path; numbers in it are places in lists."""
    names = [name for name in path if not name.isdigit()]
    for name in names:
        found = [field for field in fields_of(node) if (field.alias or field.name).value == name]
        if not found:
            return False
        [node] = found
    return True


def declared_features() -> dict[str, str]:
    """Python names of declared root fields -> the package that declares them, below `drippulse_graphql`."""
    modules = [one.name for one in pkgutil.walk_packages(drippulse_graphql.__path__, "drippulse_graphql.")]
    found: dict[str, str] = {}
    for name in sorted(modules, key=len):  # the deepest package wins: `crm` gathers what its parts declare
        if name.rpartition(".")[2] in {"reads", "mutations"} and ".kit." not in name:
            module = importlib.import_module(name)
            for one in getattr(module, "READS", None) or module.MUTATIONS:
                found[to_camel_case(one.name)] = name.split(".", 1)[1].rpartition(".")[0]
    return found


def feature_of(name: str, field: Any, declared: dict[str, str]) -> str:
    """Fields of nodes belong where their type is written."""
    if name in declared:
        return declared[name]
    kind = cast("Any", get_named_type)(field.type)
    if kind.name.endswith("Connection"):
        kind = cast("Any", get_named_type)(kind.fields["nodes"].type)
    written: Any = schema.get_type_by_name(kind.name)
    return written.origin.__module__.split(".", 1)[1].rpartition(".")[0]


def features() -> set[tuple[str, str]]:
    """Each feature with each root that it has fields in; every subscription is one by itself."""
    declared = declared_features()
    core = core_schema()
    assert core.query_type
    assert core.mutation_type
    assert core.subscription_type
    found = {
        (feature_of(name, field, declared), root.name)
        for root in (core.query_type, core.mutation_type)
        for name, field in root.fields.items()
    }
    return found | {(name, "Subscription") for name in core.subscription_type.fields}


def shown() -> set[tuple[str, str]]:
    declared = declared_features()
    found: set[tuple[str, str]] = set()
    for example in EXAMPLES:
        operation = operation_of(example)
        root = core_schema().get_root_type(operation.operation)
        assert isinstance(root, GraphQLObjectType)
        for node in fields_of(operation):
            name = node.name.value
            subscribed = operation.operation is OperationType.SUBSCRIPTION
            found.add((name if subscribed else feature_of(name, root.fields[name], declared), root.name))
    return found


def test_every_feature_of_the_schema_has_an_example_that_reads_and_one_that_writes() -> None:
    assert features() - shown() == NEED_FILES


def test_the_features_are_the_folders_of_the_schema() -> None:
    names = {name for name, root in features() if root != "Subscription"}
    assert {"workflows", "enrollments", "organizations", "crm.records", "crm.tags", "crm.nodes", "kit"} <= names


def test_titles_and_operations_are_told_apart() -> None:
    named = [name.value for example in EXAMPLES if (name := operation_of(example).name)]
    for names in ([example.title for example in EXAMPLES], named):
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_an_example_is_a_named_valid_operation_with_its_variables(example: Example) -> None:
    operation = operation_of(example)
    assert validate(core_schema(), parse(example.query)) == []
    assert operation.name
    variables = {one.variable.name.value for one in operation.variable_definitions or ()}
    assert set(example.variables) == variables - {"after"}, "a cursor is there for those who go on"
    if operation.operation is OperationType.MUTATION:
        for payload in fields_of(operation):
            assert {"field", "code", "message"} <= {
                field.name.value
                for one in fields_of(payload)
                if one.name.value == "userErrors"
                for field in fields_of(one)
            }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_what_an_example_needs_is_shown_by_an_earlier_one(example: Example) -> None:
    earlier = {one.title: one for one in EXAMPLES[: EXAMPLES.index(example)]}
    for answer in answers_in(example.variables):
        assert shows(operation_of(earlier[answer.answer_of]), answer.path.split(".")), answer
