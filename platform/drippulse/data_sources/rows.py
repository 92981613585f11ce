"""From a source's rows to the fields of records: mapped, completed by templates, and only those that are new. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from drippulse.crm.importing.custom import CustomFields
from drippulse.crm.importing.mapping import given_mapping, guess_mapping
from drippulse.crm.importing.portions import text_of
from drippulse.crm.importing.rows import Bad
from drippulse.crm.importing.state import default_dedupe
from drippulse.crm.tables import RecordType
from drippulse.data_sources.errors import SourceError
from drippulse.data_sources.policy import IDENTITY, identity_problem
from drippulse.data_sources.schemas import SourceOptions
from drippulse.data_sources.sources.base import Batch
from drippulse.data_sources.sources.values import columns_of_rows, value_at
from drippulse.data_sources.state import Cursor, cursor_text, read_cursor
from drippulse.kit.errors import DomainError
from drippulse.kit.json import dump_json
from drippulse.workflows.templates import Templates, is_template

SYSTEM, EXTERNAL = "external_system", "external_id"
SAMPLE = 100
MOST_ORIGINAL = 4_000


@dataclass(slots=True)
class Mapped:
    """Rows by field name, those that are to be written; `originals` are they as they came."""

    rows: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list[tuple[int, Mapping[str, Any]]])
    originals: dict[int, Mapping[str, Any]] = field(default_factory=dict[int, Mapping[str, Any]])
    bad: list[Bad] = field(default_factory=list[Bad])


class RowMapper:
    """Maps the rows of one run.

    Args:
        mapping: of an earlier part of the run.
        cursor_from: rows up to here are passed over.
        cursor_to: the greatest value that the run has seen.
        system: the external system that ids are of, where rows and templates do not say.
    """

    def __init__(
        self,
        kind: RecordType,
        options: SourceOptions,
        custom: CustomFields,
        templates: Templates,
        *,
        system: str,
        mapping: Mapping[str, str] | None = None,
        cursor_from: Cursor | None = None,
        cursor_to: str | None = None,
    ) -> None:
        self._kind = kind
        self._options = options
        self._custom = custom
        self._templates = templates
        self._system = system
        self._from = cursor_from
        self._greatest = None if options.incremental is None else read_cursor(options.incremental.type, cursor_to)
        self._rendered = {name: text for name, text in options.templates.items() if is_template(text)}
        self.mapping = mapping
        self.columns: Sequence[str] = ()
        self.cursor_to = cursor_to

    @property
    def constants(self) -> dict[str, str]:
        """Of every row that does not say otherwise."""
        found = {name: text for name, text in self._options.templates.items() if name not in self._rendered}
        return found if SYSTEM in self._options.templates else {SYSTEM: self._system, **found}

    def take(self, batch: Batch) -> Mapped:
        """Computes for long; may run in a thread. Raises SourceError when the rows cannot be what the definition
        says."""
        self._learn(batch)
        mapped = Mapped(bad=list(batch.bad))
        for number, row in batch.rows:
            try:
                if not self._is_new(row):
                    continue
                found = self._fields(row)
            except DomainError as error:
                mapped.bad.append(Bad(number, error.message, (original_of(row),)))
                continue
            except ValueError as error:
                mapped.bad.append(Bad(number, str(error), (original_of(row),)))
                continue
            mapped.rows.append((number, found))
            mapped.originals[number] = row
        return mapped

    def _learn(self, batch: Batch) -> None:
        """The columns and what they mean, from the first rows."""
        if self.columns or not (batch.columns or batch.rows):
            return
        rows = [row for _, row in batch.rows[:SAMPLE]]
        self.columns = batch.columns or columns_of_rows(rows)
        incremental = self._options.incremental
        if incremental is not None and not self._has(incremental.column, batch):
            raise SourceError(f"No row has the cursor column {incremental.column}. {self._known()}")
        if self.mapping is None:
            self.mapping = batch.mapping or self._found(batch, rows)
            fields = {*self.mapping.values(), *self._options.templates}
            if (sentence := identity_problem(self._kind, fields, self._options.dedupe_by)) is not None:
                raise SourceError(sentence)

    def _found(self, batch: Batch, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
        custom, wanted = self._custom, self._options.mapping
        if wanted:
            names = batch.columns or list(wanted)  # of JSON a row may lack what another has
            try:
                mapping = given_mapping(self._kind, names, wanted, list(custom.labels))
            except DomainError as error:
                raise SourceError(error.message) from None
            if not any(self._has(column, batch) for column in mapping):
                raise SourceError(f"The rows have none of the columns that are mapped. {self._known()}")
            return mapping
        sample = [[text_of(value_at(row, name)) for name in self.columns] for row in rows]
        mapping = guess_mapping(self._kind, self.columns, sample, custom.labels)
        if not mapping:
            raise SourceError(f"No column is recognized; say with `mapping` which is which. {self._known()}")
        return mapping

    def _has(self, column: str, batch: Batch) -> bool:
        if batch.columns is not None:
            return column in batch.columns
        return any(value_at(row, column) is not None for _, row in batch.rows)

    def _known(self) -> str:
        return f"The columns are {', '.join(name[:100] for name in self.columns[:30])}."

    def _is_new(self, row: Mapping[str, Any]) -> bool:
        """Raises ValueError when the cursor column holds what cannot be compared."""
        incremental = self._options.incremental
        if incremental is None:
            return True
        value = value_at(row, incremental.column)
        try:
            found: Any = read_cursor(incremental.type, value)
        except ValueError as error:
            raise ValueError(f"{incremental.column} {error}.") from None
        if found is None:
            return True
        if self._from is not None and found <= self._from:
            return False
        if self._greatest is None or found > self._greatest:
            self._greatest, self.cursor_to = found, cursor_text(value)
        return True

    def _fields(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises ValueError for a row that nothing tells from others, TemplateRenderError."""
        found = {name: value_at(row, column) for column, name in (self.mapping or {}).items()}
        for name, text in self._rendered.items():
            if text_of(found.get(name)).strip() == "":
                found[name] = self._templates.render(text, {**row, "row": row})
        wanted = [IDENTITY[by] for by in (self._options.dedupe_by or default_dedupe(self._kind))]
        constants = self._options.templates
        if not any(text_of(found.get(name)).strip() or name in constants for name in wanted):
            names = " or ".join(name for name in wanted if name in found)
            raise ValueError(f"This row has no {names}, so that nothing says which {self._kind.value} it means.")
        return found


def original_of(row: Mapping[str, Any]) -> str:
    """The row as JSON, cut where it is long."""
    return dump_json(row)[:MOST_ORIGINAL]


def shown_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a preview shows it: long values are cut, nested ones are JSON."""
    return {name: _shown(value) for name, value in row.items()}


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text[:500]
