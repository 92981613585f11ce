"""`platform/docs/graphql-changes.md`: what changed from version to version. Pure."""

from collections.abc import Iterable

from drippulse_server.schema_changes.announced import Deprecation
from drippulse_server.schema_changes.compare import Changes

MARK = "<!-- released versions -->"
HEAD = """# Changes of the GraphQL schema

`drippulse graphql changes` writes this page from `released.graphql` and `schema.graphql`; the lint fails when it is
old.
Nothing goes without a notice: a part is deprecated with a day first and removed after that day. Which clients still use
one is told by `GET /api/v1/graphql/usage?deprecated=true`.
"""


def page(changes: Changes, deprecated: Iterable[Deprecation], version: str, released: str) -> str:
    """The whole page.

    Args:
        version: the released one.
        released: the sections of the versions so far.
    """
    unreleased = "\n".join([f"## Since {version}", "", *_section(changes)])
    return "\n".join([HEAD, *_table(deprecated), unreleased, MARK, "", released.strip(), ""])


def section(changes: Changes, version: str, day: str) -> str:
    """A version that is released now."""
    return "\n".join([f"## {version}, {day}", "", *_section(changes)])


def released_part(committed: str) -> str:
    """The sections that are kept; the first version when there are none."""
    return committed.partition(MARK)[2].strip()


def _section(changes: Changes) -> list[str]:
    parts = {
        "Not allowed": changes.refused,
        "Removed, as announced": changes.removed,
        "Deprecated": changes.deprecated,
        "To look at": changes.dangerous,
        "New": changes.added,
    }
    lines: list[str] = []
    for title, entries in parts.items():
        if entries:
            lines += [f"**{title}**", "", *(f"- {_code(entry)}" for entry in entries), ""]
    return lines or ["Nothing.", ""]


def _code(entry: str) -> str:
    """A coordinate in code, a sentence as it is."""
    return entry if " " in entry else f"`{entry}`"


def _table(deprecated: Iterable[Deprecation]) -> list[str]:
    rows = [f"| `{one.coordinate}` | {one.after or ''} | {one.reason.replace('|', ' ')} |" for one in deprecated]
    head = ["## Deprecated now", ""]
    return (
        [*head, "| part | goes after | reason |", "| --- | --- | --- |", *rows, ""] if rows else [*head, "Nothing.", ""]
    )
