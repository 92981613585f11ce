"""The generated files that are committed: what the code says beside what the file says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from graphql import GraphQLError, build_schema
from graphql.utilities import find_breaking_changes

import drippulse_graphql
import drippulse_rest
from drippulse_graphql.reference import reference
from drippulse_graphql.schema import core_schema, sdl
from drippulse_rest.app import openapi_json
from drippulse_server.schema_changes.files import History


@dataclass(frozen=True, slots=True)
class Contract:
    """A committed file and the text that it should have.

    `compare` names what breaks clients, from the committed text to the generated one.
    """

    path: Path
    text: str
    compare: Callable[[str, str], list[str]]

    def committed(self) -> str | None:
        """None when the file is missing."""
        try:
            return self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def breaking(self) -> list[str]:
        """A sentence for each change that breaks clients of the committed contract."""
        committed = self.committed()
        return [] if committed is None else self.compare(committed, self.text)


def contracts() -> list[Contract]:
    """Generated now, from the code that is installed."""
    history, today = History(), datetime.now(UTC).date()
    return [
        Contract(_beside(drippulse_rest.__file__, "openapi.json"), openapi_json(), lambda _, __: []),
        Contract(_beside(drippulse_graphql.__file__, "schema.graphql"), sdl(), breaking_changes),
        Contract(history.page_path, history.page(today), lambda _, __: []),
        Contract(history.page_path.with_name("graphql-reference.md"), reference(core_schema()), lambda _, __: []),
    ]


def unreleasable() -> list[str]:
    """A sentence for each reason why the schema may not be released: what clients of the released one trip over."""
    return History().problems(datetime.now(UTC).date())


def breaking_changes(before: str, after: str) -> list[str]:
    """What a client of the schema `before` may trip over with the schema `after`, both as SDL."""
    try:
        old = build_schema(before)
    except GraphQLError as error:
        return [f"the committed file is not a schema: {error.message}"]
    return [f"{change.description} ({change.type.name})" for change in find_breaking_changes(old, build_schema(after))]


def _beside(module: str | None, name: str) -> Path:
    if module is None:
        raise RuntimeError(f"the package that {name} belongs to is not installed from files")
    return Path(module).parent / name
