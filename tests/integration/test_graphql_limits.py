"""Hostile documents are refused before validation, each with its own code and at once."""

import time
from contextlib import suppress

import httpx
import pytest

from drippulse.kit.errors import DomainError
from drippulse_graphql.kit.documents import MAX_CACHED, Documents
from drippulse_graphql.schema import core_schema
from tests.support.graphql import error_code, raw_graphql

NESTED = "workflow { enrollments { nodes { "
HOSTILE = {
    "tokens": ("{" + " a" * 2_500 + "}", "too_many_tokens"),
    "depth": ("{ enrollments { nodes { " + NESTED * 4 + "id" + " } } }" * 4 + " } } }", "document_too_deep"),
    "depth through fragments": (
        """{ ...a } fragment a on Query { enrollments { nodes { ...b } } }
        fragment b on Enrollment { workflow { enrollments { nodes { ...c } } } }
        fragment c on Enrollment { workflow { enrollments { nodes { ...d } } } }
        fragment d on Enrollment { workflow { enrollments { nodes { workflow { stepFunnel { totals { paused } } } } }
        } }
        """,
        "document_too_deep",
    ),
    "nesting": ("{a" * 900 + "}" * 900, "document_too_deep"),
    "nested lists": ("{a(x:" + "[" * 900 + "]" * 900 + ")}", "document_too_deep"),
    "aliases": ("{" + " ".join(f"a{i}: stepTypes {{ type }}" for i in range(16)) + "}", "too_many_aliases"),
    "directives": ("{ viewer { role" + " @include(if: true)" * 6 + " } }", "too_many_directives"),
    "repeated field": ("{" + " viewer { role }" * 390 + "}", "too_many_selections_of_one_field"),
    "fields": ("{" + " viewer { role }" * 3 + " ...{ viewer { role } }" * 250 + "}", "too_many_fields"),
    "fragments": (
        "{ ...f0 }" + "".join(f"fragment f{i} on Query {{ ...f{i + 1} }}" for i in range(100)),
        "too_many_fragments",
    ),
    "fragment cycle": ("{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }", "validation_failed"),
    "introspection": (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
        "validation_failed",
    ),
    "unknown fields": ("{" + " ".join(f"nope{i}" for i in range(450)) + "}", "validation_failed"),
    "unknown arguments": (
        "{ workflows(" + " ".join(f"nope{i}: 1" for i in range(600)) + ") { totalCount } }",
        "validation_failed",
    ),
    "unknown input fields": (
        "{ workflows(filter: {" + " ".join(f"statuz{i}: 1" for i in range(600)) + "}) { totalCount } }",
        "validation_failed",
    ),
    "spread fragments": (
        "{" + " ".join(f"...f{i}" for i in range(25)) + "}"
        + "".join(f"fragment f{i} on Query {{" + " viewer { role }" * 3 + "}" for i in range(25)),
        "validation_failed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_is_refused_at_once(client: httpx.AsyncClient, name: str) -> None:
    document, code = HOSTILE[name]
    fastest = min(_seconds_to_refuse(document) for _ in range(3))
    if name != "spread fragments":  # valid, and merely has to be quick
        assert await error_code(client, document) == code
    assert fastest < 0.1


def _seconds_to_refuse(document: str) -> float:
    documents = Documents(core_schema())
    started = time.thread_time()  # the machine may be busy with other tests
    with suppress(DomainError):
        documents.prepare(document, None)
    return time.thread_time() - started


async def test_what_is_within_the_limits_runs(client: httpx.AsyncClient) -> None:
    deep = "{ enrollments { nodes { " + NESTED * 3 + "id" + " } } }" * 3 + " } } }"
    deep = deep.replace("enrollments {", "enrollments(first: 5) {")
    aliases = "{" + " ".join(f"a{i}: viewer {{ role }}" for i in range(5)) + " viewer { role @include(if: true) } }"
    for document in (deep, aliases):
        assert "errors" not in await raw_graphql(client, document)


def test_the_cache_of_documents_is_bounded() -> None:
    documents = Documents(core_schema())
    for number in range(MAX_CACHED + 50):
        documents.prepare(f"query Q{number} {{ viewer {{ role }} }}", None)
    assert len(documents) == MAX_CACHED
    documents.prepare("{ viewer { role } }" + " " * 30_000, None)
    assert len(documents) == MAX_CACHED
