"""Sentences about conditions, for the timeline and `/test`."""

from typing import Any

from drippulse.workflows.conditions import VALUELESS, Verdict

MAX_SHOWN = 80


def verdict_logs(verdict: Verdict) -> tuple[str, ...]:
    """One line a condition: `score (85) gte 70: yes`."""
    return tuple(
        f"{detail['field']} ({_short(detail['actual'])}) {detail['operator']}{_value(detail)}: "
        f"{'yes' if detail['passed'] else 'no'}"
        for detail in verdict.details
    )


def _value(detail: dict[str, Any]) -> str:
    return "" if detail["operator"] in VALUELESS else f" {_short(detail['value'])}"


def _short(value: Any) -> str:
    if value is None:
        return "empty"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
