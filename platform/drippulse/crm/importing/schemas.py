"""What callers say of an import, and what they are answered."""

from collections.abc import Mapping
from typing import Any, Literal, cast

import orjson
from pydantic import BaseModel, Field

from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.fields import field_names
from drippulse.crm.importing.state import DedupeBy, OnExisting
from drippulse.crm.importing.tables import SHOWN, ImportStatus
from drippulse.crm.importing.values import boolean
from drippulse.crm.records import SPECS
from drippulse.crm.schemas import MemberId, Tag
from drippulse.crm.tables import RecordType
from drippulse.kit.errors import ValidationError
from drippulse.kit.text import did_you_mean
from drippulse.kit.validation import Input, parse

JSON_OPTIONS = frozenset({"mapping", "constants"})
LISTS = frozenset({"tags", "dedupe_by"})
FLAGS = frozenset({"dry_run", "suppress_automations"})
NUMBERS = frozenset({"owner_id"})
PREVIEW_ROWS = 20
MOST_PREVIEWED = 100


class ImportOptions(Input):
    """How a file is imported. Fields of the form, parameters of the query, or members of `options` as JSON."""

    mapping: dict[str, str | None] | None = Field(
        default=None,
        description='Column -> field, such as {"E-Mail": "email", "Plan": "custom.plan"}; columns left out are not '
        "imported. Without it columns are recognized by their names.",
    )
    delimiter: str | None = Field(default=None, description="One character, or comma, semicolon, tab, pipe.")
    encoding: str | None = Field(default=None, description="Such as utf-8 or windows-1252; guessed when left out.")
    dry_run: bool = Field(default=False, description="Answer a preview and store nothing.")
    suppress_automations: bool = Field(default=False, description="Workflows and webhooks hear nothing of the rows.")
    on_existing: OnExisting = Field(
        default=OnExisting.UPDATE, strict=False, description="What becomes of a row whose record exists."
    )
    dedupe_by: list[DedupeBy] = Field(
        default_factory=list[DedupeBy],
        max_length=3,
        description="By what a row means a record that exists, the first first; all three when left out.",
    )
    tags: list[Tag] = Field(default_factory=list[Tag], max_length=50, description="Added to every record.")
    owner_id: MemberId | None = Field(default=None, description="Of records whose row names no owner.")
    constants: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Field -> value, for rows that do not say otherwise; external_system for example.",
    )
    date_order: Literal["dmy", "mdy"] | None = Field(default=None, description="What 01/02/2026 means.")


class ImportCounts(BaseModel):
    rows: int = Field(description="Rows with content that were read.")
    created: int
    updated: int
    unchanged: int
    skipped: int
    duplicates: int = Field(description="Taken in by an earlier row of the file that means the same record.")
    failed: int


class ImportProgress(BaseModel):
    bytes_done: int
    percent: int


class ImportLinks(BaseModel):
    self: str
    events: str
    errors: str
    cancel: str
    undo: str


class ImportUndo(BaseModel):
    """How far the undoing is; its report is that of `changeset_id` at /crm/changesets."""

    reverting_id: int
    status: str
    counts: dict[str, int]


class ImportOut(BaseModel):
    """An import."""

    id: int
    record_type: RecordType
    status: ImportStatus = Field(json_schema_extra={"enum": [status.value for status in SHOWN]})
    file_name: str
    format: str | None = Field(description="csv or xlsx; null before it is known.")
    bytes: int
    encoding: str | None
    delimiter: str | None
    columns: list[str]
    mapping: dict[str, str]
    unmapped_columns: list[str]
    notices: list[str]
    on_existing: OnExisting
    dedupe_by: list[DedupeBy]
    suppress_automations: bool
    tags: list[str]
    owner_id: int | None
    counts: ImportCounts
    progress: ImportProgress
    problem: str | None = Field(description="Why it failed as a whole.")
    changeset_id: int | None
    undo: ImportUndo | None = Field(default=None, description="Of one import that was undone; not in lists.")
    links: ImportLinks
    created_at: str
    started_at: str | None
    finished_at: str | None


class ImportList(BaseModel):
    imports: list[ImportOut]
    total_count: int
    next_cursor: str | None = None


class PreviewRow(BaseModel):
    row: int
    outcome: str = Field(description="created, updated, unchanged, skipped, duplicate or failed.")
    record: dict[str, Any] | None = Field(description="As it would be stored.")
    changes: dict[str, dict[str, Any]] = Field(description="Field -> {before, after}, of a record that exists.")
    problems: list[dict[str, str]] = Field(description="{column, value, message}.")


class ImportPreview(BaseModel):
    """What would become of the first rows."""

    record_type: RecordType
    file_name: str
    format: str
    encoding: str
    delimiter: str
    columns: list[str]
    mapping: dict[str, str]
    unmapped_columns: list[str]
    notices: list[str]
    counts: ImportCounts
    rows: list[PreviewRow]
    more_rows: bool = Field(description="The file goes on behind these rows.")


def read_options(kind: RecordType, given: Mapping[str, str]) -> ImportOptions:
    """From the texts of form fields and query parameters.

    Raises:
        ValidationError: unknown names and unacceptable values, each with its sentence.
    """
    fields: dict[str, Any] = {}
    for name, text in given.items():
        if name == "options":
            fields |= _object(name, text)
        elif name in JSON_OPTIONS:
            fields[name] = _object(name, text)
        elif name in LISTS:
            fields[name] = _list(name, text)
        elif name in FLAGS:
            fields[name] = _flag(name, text)
        elif name in NUMBERS and text.isascii() and text.isdigit():
            fields[name] = int(text)
        else:
            fields[name] = text
    if isinstance(fields.get("dedupe_by"), list):
        fields["dedupe_by"] = [_dedupe(kind, one) for one in fields["dedupe_by"]]
    options = parse(ImportOptions, fields)
    _check_constants(kind, options.constants)
    return options


def _check_constants(kind: RecordType, constants: Mapping[str, str]) -> None:
    known = [name for name in field_names(kind) if name not in {"public_id", "full_name", "email", "tags"}]
    for name in constants:
        if name not in known:
            sentence = f'"{name[:100]}" is not a field that can be constant.{did_you_mean(name, known)}'
            raise ValidationError(sentence, errors={f"constants.{name}": [sentence]})


def _dedupe(kind: RecordType, one: Any) -> DedupeBy:
    known = [by for by in DedupeBy if by is not DedupeBy.EMAIL or SPECS[kind].unique_by_email]
    plain = str(one).strip().lower().replace(" ", "_")
    if plain not in known:
        sentence = f"{SPECS[kind].plural} are recognized by {', '.join(known)}; not by {str(one)[:50]!r}."
        raise ValidationError(sentence, errors={"dedupe_by": [sentence]})
    return DedupeBy(plain)


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        sentence = f"{name} must be a JSON object."
        raise UnreadableFileError(sentence, code="validation_failed", errors={name: [sentence]})
    return cast("dict[str, Any]", found)


def _list(name: str, text: str) -> list[Any]:
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list):
        sentence = f"{name} must be names with commas, or a JSON array."
        raise ValidationError(sentence, errors={name: [sentence]})
    return cast("list[Any]", found)


def _flag(name: str, text: str) -> bool:
    try:
        return boolean(text)
    except ValueError as error:
        sentence = f"{name} {error}."
        raise ValidationError(sentence, errors={name: [sentence]}) from None
