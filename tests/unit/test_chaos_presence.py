"""The arithmetic behind the chaos report's times."""

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.presence import Span, merged, presence

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda one: (one[0], one[0] + one[1])))


@given(SPANS, SPANS, st.integers(0, 30), st.integers(0, 12))
def test_presence_is_what_counting_second_by_second_gives(
    workers: list[Span], outages: list[Span], start: int, length: int
) -> None:
    def inside(second: int, spans: list[Span]) -> bool:
        return any(begin <= second < end for begin, end in spans)

    counted = sum(inside(one, workers) and not inside(one, outages) for one in range(start, start + length))
    assert presence(workers, outages).seconds((start, start + length)) == counted


def test_spans_that_touch_are_one() -> None:
    assert merged([(2, 3), (0, 1), (1, 2), (5, 6)]) == [(0, 3), (5, 6)]
