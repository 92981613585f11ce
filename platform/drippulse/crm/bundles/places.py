"""Pipelines and stages while a bundle is read: by what they are called in it, and by what they are called here."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from drippulse.crm.bundles.results import RowError
from drippulse.crm.pipelines.state import STEP, Stage, choose, closing
from drippulse.crm.presentation import Row

PLACED = ("pipeline_id", "pipeline_stage_id", "status")


@dataclass(slots=True)
class Places:
    """`pipelines` and `stages`: public id or UUID -> id. Those of the bundle come first."""

    pipelines: dict[str, UUID] = field(default_factory=dict[str, UUID])
    stages: dict[str, UUID] = field(default_factory=dict[str, UUID])
    by_pipeline: dict[UUID, list[Stage]] = field(default_factory=dict[UUID, list[Stage]])
    default: UUID | None = None
    ends: dict[UUID, int] = field(default_factory=dict[UUID, int])

    def stage(self, stage_id: UUID) -> Stage:
        return next(one for stages in self.by_pipeline.values() for one in stages if one.id == stage_id)

    def chosen(self, values: dict[str, Any], row: Row | None) -> Stage | None:
        """The stage that a row of a bundle means; None when it says nothing of it. Raises RowError."""
        if row is not None and not values.keys() & set(PLACED):
            return None
        pipeline = self._known(self.pipelines, values, "pipeline_id")
        stage_id = self._known(self.stages, values, "pipeline_stage_id")
        if stage_id is not None:
            stage = self.stage(stage_id)
            if pipeline is not None and stage.pipeline_id != pipeline:
                raise RowError("pipeline_stage_id: This stage belongs to another pipeline than pipeline_id.")
            return stage
        current = None if row is None else row["pipeline_id"]
        stages = self.by_pipeline[pipeline or current or self._default()]
        wanted = values.get("status", "open" if row is None else row["status"])
        if row is not None and pipeline in (None, current) and wanted == row["status"]:
            return self.stage(row["pipeline_stage_id"])
        return choose(stages, wanted)

    def place(
        self, values: dict[str, Any], row: Row | None, position: int | None, closed_at: Any, now: Any
    ) -> dict[str, Any]:
        """`values` with the columns that follow from the stage. Raises RowError."""
        stage = self.chosen(values, row)
        rest = {name: value for name, value in values.items() if name not in PLACED}
        if stage is None:
            return rest
        before = None if row is None else row["status"]
        closed = closing(stage.stage_type, before, None if row is None else row["closed_at"], now)
        rest |= {"pipeline_id": stage.pipeline_id, "pipeline_stage_id": stage.id, "status": stage.stage_type}
        rest["closed_at"] = closed_at if closed is not None and closed_at is not None else closed
        if position is not None:
            rest["stage_position"] = position
        elif row is None or row["pipeline_stage_id"] != stage.id:
            self.ends[stage.id] = self.ends.get(stage.id, 0) + STEP
            rest["stage_position"] = self.ends[stage.id]
        return rest

    def _default(self) -> UUID:
        if self.default is None:
            raise RowError("pipeline_id: There is no default pipeline; name one.")
        return self.default

    @staticmethod
    def _known(known: dict[str, UUID], values: dict[str, Any], column: str) -> UUID | None:
        ref = values.get(column)
        if ref is None:
            return None
        found = known.get(ref) or known.get(ref.lower())
        if found is None:
            raise RowError(f"{column}: {ref} is neither in the bundle nor in your organization.")
        return found
