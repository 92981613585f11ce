"""How routes that take a file of rows are described: three media types, and options that are all text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)

from drippulse.crm.importing.schemas import MOST_PREVIEWED, PREVIEW_ROWS, ImportOptions
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RECORD_TYPE = "record_type"
ROWS = "rows"
PLURALS = {spec.plural: kind for kind, spec in SPECS.items()}


def _option(name: str, schemas: Mapping[str, Any]) -> Schema:
    """How an option is described where every value is text: scalars by their type, lists and objects as text."""
    said = schemas["properties"][name]
    kinds = [kind for kind in said.get("anyOf", [said]) if kind.get("type") != "null"]
    kind = schemas["$defs"][kinds[0]["$ref"].rpartition("/")[2]] if "$ref" in kinds[0] else kinds[0]
    scalar = kind["type"] in {"boolean", "integer"}
    return Schema(
        type=OpenAPIType(kind["type"]) if scalar else OpenAPIType.STRING,
        enum=kind.get("enum"),
        minimum=kind.get("minimum"),
        maximum=kind.get("maximum"),
        description=ImportOptions.model_fields[name].description,
    )


@dataclass
class UploadOperation(Operation):
    """The description of a route that takes a file."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="CSV or XLSX, by its contents.")
        fields = self.fields()
        form = Schema(
            type=OpenAPIType.OBJECT,
            required=["file"],
            properties={"file": file, **fields},
            additional_properties=False,
        )
        body = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(
            required=True,
            content={
                "multipart/form-data": OpenAPIMediaType(schema=form),
                CSV: body,
                XLSX: body,
            },
        )
        given = [Parameter(name=name, param_in="query", schema=schema) for name, schema in fields.items()]
        self.parameters = [*(self.parameters or []), *given]

    def fields(self) -> dict[str, Schema]:
        """The form's fields and the query's parameters alike."""
        schemas = ImportOptions.model_json_schema()
        together = Schema(type=OpenAPIType.STRING, description="All of these in one JSON object.")
        return {**{name: _option(name, schemas) for name in ImportOptions.model_fields}, "options": together}


@dataclass
class PreviewOperation(UploadOperation):
    """The same for files of any records."""

    def fields(self) -> dict[str, Schema]:
        kind = Schema(
            type=OpenAPIType.STRING,
            enum=[*(kind.value for kind in RecordType), *PLURALS],
            description="Which records they are.",
        )
        rows = Schema(
            type=OpenAPIType.INTEGER,
            minimum=1,
            maximum=MOST_PREVIEWED,
            default=PREVIEW_ROWS,
            description="How many rows are shown.",
        )
        return {RECORD_TYPE: kind, ROWS: rows, **super().fields()}
