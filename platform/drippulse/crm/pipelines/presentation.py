"""Pipelines as answers have them. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.pipelines.state import Stage
from drippulse.crm.presentation import present
from drippulse.crm.tables import RecordType
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record


def present_pipeline(row: Record, stages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "public_id": row["public_id"],
        "name": row["name"],
        "user_id": row["user_id"],
        "is_default": row["is_default"],
        "stages": stages,
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


def present_stages(rows: Iterable[Record], totals: Iterable[Record]) -> dict[UUID, list[dict[str, Any]]]:
    """The stages of each pipeline in their order, with their totals."""
    sums: defaultdict[UUID, list[Record]] = defaultdict(list)
    for total in totals:
        sums[total["pipeline_stage_id"]].append(total)
    shown: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        stages = shown[row["pipeline_id"]]
        stages.append(_stage(row, len(stages) + 1, sums[row["id"]]))
    return shown


def present_board(stages: Sequence[dict[str, Any]], cards: Iterable[Record]) -> list[dict[str, Any]]:
    """Stages with their first cards."""
    standing: Mapping[str, list[dict[str, Any]]] = {stage["id"]: [] for stage in stages}
    for card in cards:
        standing[str(card["pipeline_stage_id"])].append(present(RecordType.OPPORTUNITY, card))
    return [{**stage, "opportunities": standing[stage["id"]]} for stage in stages]


def _stage(row: Record, position: int, totals: Sequence[Record]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "public_id": row["public_id"],
        "name": row["name"],
        "stage_type": row["stage_type"],
        "probability": row["probability"],
        "position": position,
        "opportunity_count": sum(total["count"] for total in totals),
        "totals": [
            {
                "currency": total["currency"],
                "opportunity_count": total["count"],
                "amount": float(total["amount"]),
                "weighted_amount": round(float(total["weighted"]), 2),
            }
            for total in totals
        ],
    }


def present_reordered(stage: Stage, rows: Sequence[Record]) -> dict[str, Any]:
    """A stage with the opportunities that were put in order, as `Reordered`."""
    return {
        "pipeline_id": str(stage.pipeline_id),
        "pipeline_stage_id": str(stage.id),
        "opportunities": [present(RecordType.OPPORTUNITY, row) for row in rows],
        "total_count": len(rows),
    }
