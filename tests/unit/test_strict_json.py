"""JSON from outside."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.kit.strict_json import MalformedJsonError, holds_nul, is_deeper_than, loads, may_hold_nul

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text("ab\x00"), inner), max_leaves=20)


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@given(values)
def test_what_json_can_say_is_read_as_it_is(value: Any) -> None:
    assert loads(orjson.dumps(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_malformed(raw: bytes) -> None:
    error: MalformedJsonError | None = None
    try:
        loads(raw)
    except MalformedJsonError as caught:
        error = caught
    assert error is None or error.message.startswith("The body")


@pytest.mark.parametrize("depth", [1, 63, 64])
def test_64_levels_are_fine(depth: int) -> None:
    assert loads(orjson.dumps(nested(depth))) == nested(depth)


@pytest.mark.parametrize("depth", [65, 250])
def test_more_levels_are_refused(depth: int) -> None:
    with pytest.raises(MalformedJsonError, match="64"):
        loads(orjson.dumps(nested(depth)))


@given(st.integers(0, 12), st.integers(0, 12))
def test_depth_is_counted_from_the_outermost_container(depth: int, limit: int) -> None:
    assert is_deeper_than(nested(depth), limit) == (depth > limit)


@given(values)
def test_the_look_at_the_text_never_misses_a_nul(value: Any) -> None:
    if holds_nul(value):
        assert may_hold_nul(orjson.dumps(value))


def test_nul_in_keys_counts_and_an_escaped_backslash_does_not() -> None:
    assert holds_nul({"a": [{"b\x00": 1}]})
    assert not holds_nul(loads(rb'["\\u0000"]'))
