"""The committed contracts are what the code says, and a breaking change of the SDL is named as one."""

from pathlib import Path

import pytest
from graphql import build_schema

from drippulse_graphql.schema import sdl
from drippulse_server.contracts import Contract, breaking_changes, contracts

BEFORE = """
enum Color { RED GREEN }
type Query { thing(id: ID!, size: Int): Thing! }
type Thing { id: ID! name: String! color: Color }
"""


@pytest.fixture(scope="module")
def generated() -> dict[str, Contract]:
    """By the name of the file; made once, for that takes seconds."""
    return {contract.path.name: contract for contract in contracts()}


@pytest.mark.parametrize("name", ["openapi.json", "schema.graphql", "graphql-changes.md", "graphql-reference.md"])
def test_the_committed_file_is_what_the_code_says(generated: dict[str, Contract], name: str) -> None:
    contract = generated[name]
    assert contract.committed() == contract.text, "run `drippulse export write`"
    assert contract.breaking() == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("name: String!", "", "Thing.name was removed"),
        ("name: String!", "name: Int!", "Thing.name changed type"),
        ("name: String!", "name: String", "Thing.name changed type"),
        ("size: Int", "", "argument Query.thing(size:) was removed"),
        ("size: Int", "size: String", "Query.thing(size:) has changed type"),
        ("size: Int", "size: Int!", "Query.thing(size:) has changed type"),
        ("GREEN", "", "Enum value Color.GREEN was removed"),
        (" color: Color", "", "Color was removed"),
    ],
)
def test_a_breaking_change_is_named(old: str, new: str, named: str) -> None:
    after = BEFORE.replace(old, new)
    if "Color was" in named:
        after = after.replace("enum Color { RED GREEN }", "")
    assert named in " ".join(breaking_changes(BEFORE, after)).replace("Argument", "argument")


def test_an_addition_breaks_nothing() -> None:
    assert breaking_changes(BEFORE, BEFORE.replace("name: String!", "name: String! size: Int")) == []


def test_a_missing_or_unreadable_file_is_no_crash(tmp_path: Path) -> None:
    contract = Contract(tmp_path / "schema.graphql", BEFORE, breaking_changes)
    assert contract.committed() is None
    assert contract.breaking() == []
    contract.path.write_text("type {", encoding="utf-8")
    assert "not a schema" in contract.breaking()[0]


def test_the_sdl_is_a_schema_with_the_relay_conventions() -> None:
    schema = build_schema(sdl())
    assert {"Node", "PageInfo", "WorkflowConnection", "EnrollmentEdge"} <= schema.type_map.keys()
