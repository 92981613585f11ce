"""Conditions over an event, as the settings, triggers and `wait_for_event` take them. Pure.

A condition sees the event's data at the top level (`amount`), and the event itself as `event` ({id, type, data, at}).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from pydantic import BaseModel, Field, model_validator

from drippulse.workflows.conditions import MAX_CONDITIONS, Condition, MatchMode, Operator, evaluate

EVENT_TYPE = r"^[a-z0-9_.:-]{1,200}$"
_EVENT_TYPE = re.compile(EVENT_TYPE)


def is_event_type(text: str) -> bool:
    """Lower case letters, digits and `_ . : -`, at most 200 of them."""
    return _EVENT_TYPE.fullmatch(text) is not None


class EventConditions(BaseModel):
    """`match` and `conditions`. Conditions may stand in `match` too: a list, or an object such as `{"plan": "pro"}`."""

    match: MatchMode = Field(
        default="all",
        description="all or any of the conditions; a list of conditions, or an object of field and value, may stand "
        "here as well.",
    )
    conditions: list[Condition] = Field(
        default_factory=list[Condition],
        max_length=MAX_CONDITIONS,
        description="What must hold; fields are those of the event's data where an event is named.",
    )

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, given: Any) -> Any:
        """The short forms of `match`, unless `conditions` are there too."""
        if not isinstance(given, dict) or given.get("conditions"):  # pyright: ignore[reportUnknownMemberType] - JSON
            return cast("Any", given)
        fields = cast("dict[str, Any]", given)
        match = fields.get("match")
        if isinstance(match, list):
            return {**fields, "match": "all", "conditions": cast("Any", match)}
        if not isinstance(match, dict):
            return cast("Any", fields)
        inner = cast("dict[str, Any]", match)
        if "conditions" in inner and set(inner) <= {"match", "conditions"}:
            return {**fields, "match": inner.get("match", "all"), "conditions": inner["conditions"]}
        pairs: list[dict[str, Any]] = [
            {"field": key, "operator": Operator.EQUALS.value, "value": value} for key, value in inner.items()
        ]
        return {**fields, "match": "all", "conditions": pairs}


def as_written(config: Mapping[str, Any]) -> EventConditions:
    """{match, conditions} whose templates have been rendered since they were judged: an empty text is no mistake now.

    Raises:
        ValueError, LookupError, TypeError: these are no conditions.
    """
    written: list[dict[str, Any]] = config.get("conditions") or []
    conditions = [
        Condition.model_construct(field=one["field"], operator=Operator(one["operator"]), value=one.get("value"))
        for one in written
    ]
    return EventConditions.model_construct(match=config.get("match", "all"), conditions=conditions)


def event_view(event: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions see of an event {id, type, data, at}."""
    data = event.get("data")
    top = cast("Mapping[str, Any]", data) if isinstance(data, Mapping) else dict[str, Any]()
    return {**top, "event": event}


def matches(wanted: EventConditions, event: Mapping[str, Any], now: datetime) -> bool:
    """Whether the event {id, type, data, at} is one that is looked for; no condition at all takes every event."""
    return not wanted.conditions or evaluate(wanted.match, wanted.conditions, event_view(event), now).passed
