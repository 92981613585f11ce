"""The committed files of the schema's history, and releasing a version."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import drippulse_graphql
from drippulse_graphql.schema import sdl
from drippulse_server.failures import CommandFailure
from drippulse_server.schema_changes.compare import Changes, compare, still_deprecated
from drippulse_server.schema_changes.page import page, released_part, section

RELEASED = "released.graphql"
FIRST_LINE = re.compile(r"# Version (\S+) of the schema")
VERSION = re.compile(r"\d+\.\d+\.\d+")
HEADER = "# Version {version} of the schema, {day}. `drippulse graphql release` writes this file; nobody edits it.\n\n"
FIRST = "## {version}, {day}\n\nThe first version that clients may rely on.\n"
NOTHING = "0.0.0"
DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class History:
    """The released schema and the page. `docs` and `folder` are those of this checkout unless given."""

    folder: Path = Path(drippulse_graphql.__path__[0])
    docs: Path = DOCS

    @property
    def page_path(self) -> Path:
        return self.docs / "graphql-changes.md"

    @property
    def released_path(self) -> Path:
        return self.folder / RELEASED

    @property
    def version(self) -> str:
        """The released one; 0.0.0 before the first."""
        if not self.released_path.exists():
            return NOTHING
        found = FIRST_LINE.match(self.released_path.read_text(encoding="utf-8"))
        if found is None:
            raise CommandFailure(f"{self.released_path} does not say in its first line which version it is.")
        return found[1]

    def changes(self, today: date, present: str | None = None) -> Changes:
        """From the released schema to `present`, the code's own unless given. To a first one nothing changes."""
        schema = present or sdl()
        first = self.version == NOTHING
        return compare(schema if first else self.released_path.read_text(encoding="utf-8"), schema, today)

    def problems(self, today: date) -> list[str]:
        """Why the lint fails: what clients of the released schema trip over, or that none is released."""
        if self.version == NOTHING:
            return [f"{RELEASED} is missing: `drippulse graphql release VERSION` makes the schema the first one"]
        return self.changes(today).problems

    def page(self, today: date, present: str | None = None) -> str:
        """The page as it should be."""
        schema = present or sdl()
        return page(self.changes(today, schema), still_deprecated(schema), self.version, self._kept())

    def release(self, version: str, today: date, present: str | None = None) -> None:
        """Make the present schema the released one.

        Raises:
            CommandFailure: it breaks what was released before, or the version is none or not a later one.
        """
        schema, before = present or sdl(), self.version
        if not VERSION.fullmatch(version) or _numbers(version) <= _numbers(before):
            raise CommandFailure(f"{version} is no version after {before}; give one such as 1.4.0.")
        changes = self.changes(today, schema)
        if changes.problems:
            raise CommandFailure(f"This schema may not be released. {'. '.join(changes.problems)}.")
        told = FIRST.format(version=version, day=today) if before == NOTHING else section(changes, version, f"{today}")
        kept = f"{told}\n{'' if before == NOTHING else self._kept()}"
        self.released_path.write_text(HEADER.format(version=version, day=today) + schema, encoding="utf-8")
        text = page(self.changes(today, schema), still_deprecated(schema), version, kept)
        self.page_path.write_text(text, encoding="utf-8")

    def _kept(self) -> str:
        try:
            return released_part(self.page_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
