"""REST and GraphQL can do the same: every operation is covered by a root field or stands here with the reason.

Root fields say themselves what they cover (`covers`); a mutation that is called like an operation covers it.
"""

import json
from itertools import chain
from pathlib import Path

import pytest
from graphql import build_schema

import drippulse_rest
from drippulse_graphql.kit.coverage import coverage
from drippulse_graphql.schema import Mutation, Query, sdl

PUBLIC = "It is called without a credential, which GraphQL always needs."
FILES = "It takes or answers a file, in pieces; GraphQL bodies are JSON of 1 MB at most."
TRUST = "It says which documents GraphQL may run; build tools send it before they have one that may."
SIGNED = "A link in a mail, which opens in a browser."
EXCEPTIONS: dict[str, str] = {
    **dict.fromkeys(("adminLogin", "createAdminSession", "login", "acceptInvitation"), PUBLIC),
    **dict.fromkeys(("getHealth", "getApiHealth", "readMetrics"), PUBLIC),
    "watchImport": "Server-sent events that repeat getImport; GraphQL asks for `import` again.",
    "reportBounces": "Mail providers call it with a credential and formats of their own.",
    **dict.fromkeys(("trackClick", "trackOpen", "showUnsubscribe", "unsubscribe"), SIGNED),
    **dict.fromkeys(("listGraphqlDocuments", "putGraphqlDocuments", "deleteGraphqlDocument", "getGraphqlUsage"), TRUST),
    **dict.fromkeys(("importAccounts", "importContacts", "importLeads", "importOpportunities"), FILES),
    **dict.fromkeys(("importActivities", "previewImport", "uploadDataSourceFile", "importCrm", "exportCrm"), FILES),
    **dict.fromkeys(("getImportErrors", "getDataSourceRunErrors"), FILES),
}
PENDING_READS: frozenset[str] = frozenset()
"""Reads that GraphQL does not have yet. It only gets shorter."""
TWINS: dict[str, str] = {
    "v1ListWorkflows": "listWorkflows",
    "v1CreateWorkflow": "createWorkflow",
    "v1GetWorkflow": "getWorkflow",
    "v1UpdateWorkflow": "updateWorkflow",
    "v1DeleteWorkflow": "deleteWorkflow",
    "v1ListContacts": "listCrmContacts",
    "v1CreateContact": "createCrmContact",
    "v1GetContact": "getCrmContact",
    "v1UpdateContact": "updateCrmContact",
    "v1DeleteContact": "deleteCrmContact",
    "v1ListEnrollments": "listEnrollments",
    "v1GetEnrollment": "getEnrollment",
    "v1ListEnrollmentLogs": "getEnrollment",
}
"""Operations of the /v1 dialect that are the same capability as one of the API itself."""
OWN = frozenset({"node"})
"""Root fields without a twin: what they do is how GraphQL works."""

DOCUMENT = json.loads((Path(drippulse_rest.__path__[0]) / "openapi.json").read_text())
OPERATIONS = {
    operation["operationId"]: (method, path)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
COVERED = {**coverage(Query), **coverage(Mutation)}


def named() -> set[str]:
    return set(chain.from_iterable(COVERED.values()))


def test_every_operation_is_covered_or_stands_here_with_a_reason() -> None:
    known = named() | EXCEPTIONS.keys() | PENDING_READS | TWINS.keys()
    assert sorted(OPERATIONS.keys() - known) == [], "give GraphQL the same, or say here why not"


def test_what_is_named_exists() -> None:
    assert sorted((named() | EXCEPTIONS.keys() | PENDING_READS | TWINS.keys()) - OPERATIONS.keys()) == []


def test_what_is_covered_stands_in_no_list() -> None:
    assert sorted(named() & (EXCEPTIONS.keys() | PENDING_READS | TWINS.keys())) == [], "take it off the list"
    assert sorted(EXCEPTIONS.keys() & PENDING_READS) == []


def test_only_reads_are_pending() -> None:
    assert {OPERATIONS[name][0] for name in PENDING_READS} <= {"get"}


def test_every_root_field_covers_an_operation() -> None:
    assert {field for field, operations in COVERED.items() if not operations} == OWN


@pytest.mark.parametrize("root", [Query, Mutation])
def test_the_coverage_speaks_of_the_fields_of_the_sdl(root: type) -> None:
    shown = build_schema(sdl()).get_type(root.__name__)
    assert shown is not None
    assert len(coverage(root)) == len(getattr(shown, "fields", {}))


@pytest.mark.parametrize("name", TWINS)
def test_what_another_dialect_can_do_is_covered_in_ours(name: str) -> None:
    assert TWINS[name] in named() | PENDING_READS
