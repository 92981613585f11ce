"""Cursors of the event log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.events.log_position import (
    MAX_XID,
    BadEventCursorError,
    LogPosition,
    decode_position,
    encode_position,
)

NUMBERS = st.integers(0, MAX_XID)


@given(NUMBERS, NUMBERS)
def test_a_cursor_comes_back_as_it_went_out(xid: int, number: int) -> None:
    assert decode_position(encode_position(LogPosition(xid, number))) == (xid, number)


@given(st.text() | st.sampled_from(["", "e1.1.1", "ZTEuOTk5OTk5OTk5OTk5OTk5OTk5OS4w", "ZTEuMDEuMQ", "ZTIuMS4x"]))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadEventCursorError):
        decode_position(text)
