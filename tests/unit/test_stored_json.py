"""JSON as jsonb columns take it, of whatever came from outside."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.kit.json import TOO_DEEP, dump_json
from drippulse.kit.strict_json import holds_nul


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [10, 150])
def test_ordinary_depth_is_kept(depth: int) -> None:
    assert orjson.loads(dump_json(nested(depth))) == nested(depth)


@pytest.mark.parametrize("depth", [254, 300, 1000, 100_000])
def test_any_depth_can_be_stored(depth: int) -> None:
    text = dump_json({"answer": nested(depth), "other": 1})
    assert TOO_DEEP in text
    assert orjson.loads(text)["other"] == 1


def test_what_jsonb_refuses_is_replaced() -> None:
    value = {"nul": "a\x00b", "surrogate": "a\udce4", "big": 2**70, "nan": float("nan"), 5: datetime.now(UTC)}
    stored = orjson.loads(dump_json(value))
    assert (stored["nul"], stored["surrogate"], stored["nan"]) == ("ab", "a?", None)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_every_value_has_a_text_without_nul(value: object) -> None:
    stored = orjson.loads(dump_json({"value": value}))
    assert not holds_nul(stored)
