"""The shape of a bundle, and of the report on one."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model

from drippulse.crm.bundles.rows import KINDS
from drippulse.crm.records import SPECS
from drippulse.kit.validation import Input

PARTS = tuple(SPECS[kind].plural for kind in KINDS)
Rows = list[Any]


class StageRow(BaseModel):
    public_id: str
    name: str
    stage_type: str
    probability: int


class PipelineRow(BaseModel):
    public_id: str
    name: str
    owner_id: int | None
    is_default: bool
    stages: list[StageRow]


class OwnerRow(BaseModel):
    """A member, so that owners are found again by their address."""

    id: int
    username: str
    email: str | None


_rows: Mapping[str, Any] = {name: (list[dict[str, Any]], Field(default_factory=list[dict[str, Any]])) for name in PARTS}
BundleOut = create_model(
    "BundleOut",
    __doc__="An organization's CRM. Records refer to each other by public id; types not asked for are absent.",
    version=(int, ...),
    exported_at=(str, ...),
    organization_id=(int, ...),
    owners=(list[OwnerRow], ...),
    pipelines=(list[PipelineRow], ...),
    custom_fields=(list[dict[str, Any]], ...),
    **_rows,
)


class BundleIn(Input):
    """A bundle or part of one. Each row is checked by itself: one that is wrong keeps none of the others out."""

    version: int = Field(default=1, ge=1, le=1)
    exported_at: str | None = None
    organization_id: int | None = Field(default=None, description="Where it comes from.")
    owners: Rows = Field(default_factory=Rows)
    custom_fields: Rows = Field(default_factory=Rows)
    pipelines: Rows = Field(default_factory=Rows)
    accounts: Rows = Field(default_factory=Rows)
    contacts: Rows = Field(default_factory=Rows)
    opportunities: Rows = Field(default_factory=Rows)
    leads: Rows = Field(default_factory=Rows)
    activities: Rows = Field(default_factory=Rows)
    dry_run: bool = Field(default=False, description="Report what would happen, with a diff, and change nothing.")
    suppress_automations: bool = Field(default=False, description="No events: workflows and webhooks hear nothing.")


class RowResult(BaseModel):
    """What became of one row."""

    index: int = Field(description="Its place in its list, from 0.")
    record_type: str = Field(description="account, contact, opportunity, lead, activity, pipeline or custom_field")
    status: Literal["created", "updated", "unchanged", "skipped", "invalid"]
    public_id: str | None = Field(description="Of the record here, which may differ from the bundle's.")
    reason: str | None = Field(description="Why it was skipped or is invalid, or what is different here.")
    changes: dict[str, dict[str, Any]] | None = Field(
        default=None, description="Of a dry run: column -> {before, after}."
    )


class ImportReport(BaseModel):
    """What became of a bundle."""

    dry_run: bool
    changeset_id: int | None = Field(description="Null when nothing changed.")
    counts: dict[str, int] = Field(description="created, updated, unchanged, skipped, invalid")
    results: list[RowResult]
    total_count: int
