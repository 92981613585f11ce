"""Operators: what people expect, complements, and that nothing ever raises."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drippulse.workflows.conditions import TESTS, Condition, Operator, evaluate
from drippulse.workflows.namespace import resolve
from tests.support.walks import NOW

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["85", "true", "2026-03-01", "now", "7 days", "no", " ", "1e999", "\ud7ff"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)

BAG: dict[str, Any] = {
    "email": "Ada@Example.com",
    "first_name": "Ada",
    "score": 85,
    "score_text": "85",
    "zip": "01234",
    "tags": ["VIP", "trial"],
    "active": True,
    "opted": "no",
    "blank": "  ",
    "none": None,
    "empty": [],
    "joined": "2026-02-28T12:00:00Z",
    "signed_up": 1772280000,
    "utm.source": "flat",
    "utm": {"source": "nested"},
    "payload": {"items": [{"sku": "A-1"}, {"sku": "B-2"}]},
}

KNOWN_ANSWERS = [
    ("email", "equals", "ada@example.COM", True),
    ("email", "not_equals", "ada@example.com", False),
    ("score", "equals", "85", True),
    ("score", "equals", "85.0", True),
    ("score_text", "equals", 85, True),
    ("zip", "equals", "1234", False),
    ("active", "equals", "yes", True),
    ("score", "equals", True, False),
    ("missing", "equals", None, True),
    ("missing", "equals", "", True),
    ("first_name", "contains", "D", True),
    ("tags", "contains", "vip", True),
    ("tags", "not_contains", "churned", True),
    ("utm", "contains", "source", True),
    ("email", "starts_with", "ADA@", True),
    ("email", "ends_with", ".com", True),
    ("missing", "starts_with", "a", False),
    ("score", "gt", 84, True),
    ("score", "gte", "85", True),
    ("score_text", "lt", 100, True),
    ("score", "lte", 84.9, False),
    ("first_name", "gt", 1, False),
    ("first_name", "lte", 1, False),
    ("joined", "gt", "2026-01-01", True),
    ("score", "in", [1, "85"], True),
    ("first_name", "in", "bob, ada", True),
    ("tags", "in", ["trial"], True),
    ("first_name", "not_in", ["bob"], True),
    ("joined", "before", "2026-03-01", True),
    ("joined", "after", "now", False),
    ("signed_up", "after", "2026-02-28", True),
    ("joined", "within_last", "3 days", True),
    ("joined", "within_last", {"duration": 24, "unit": "hours"}, False),
    ("joined", "within_last", 7, True),
    ("first_name", "within_last", 7, False),
    ("contact.email", "equals", "ada@example.com", True),
    ("contact.attributes.score", "equals", 85, True),
    ("payload.items.1.sku", "equals", "b-2", True),
    ("payload.items.9.sku", "equals", "b-2", False),
    ("utm.source", "equals", "flat", True),
    ("{{ score }}", "equals", 85, True),
]

VALUELESS_ANSWERS = [
    ("email", "exists", True),
    ("missing", "exists", False),
    ("none", "exists", False),
    ("blank", "exists", False),
    ("empty", "not_exists", True),
    ("payload.items.0", "exists", True),
    ("active", "is_true", True),
    ("opted", "is_true", False),
    ("opted", "is_false", True),
    ("missing", "is_false", True),
]


@pytest.mark.parametrize(("field", "operator", "value", "expected"), KNOWN_ANSWERS)
def test_known_answers(field: str, operator: str, value: Any, expected: bool) -> None:
    condition = Condition.model_validate({"field": field, "operator": operator, "value": value})
    assert evaluate("all", [condition], BAG, NOW).passed is expected


@pytest.mark.parametrize(("field", "operator", "expected"), VALUELESS_ANSWERS)
def test_known_answers_without_a_value(field: str, operator: str, expected: bool) -> None:
    condition = Condition.model_validate({"field": field, "operator": operator})
    assert evaluate("all", [condition], BAG, NOW).passed is expected


COMPLEMENTS = [
    (Operator.EQUALS, Operator.NOT_EQUALS),
    (Operator.CONTAINS, Operator.NOT_CONTAINS),
    (Operator.EXISTS, Operator.NOT_EXISTS),
    (Operator.IS_TRUE, Operator.IS_FALSE),
    (Operator.IN, Operator.NOT_IN),
]


@given(JSON_VALUES, JSON_VALUES)
def test_no_operator_raises_and_negations_are_complements(actual: Any, value: Any) -> None:
    answers = {operator: test(actual, value, NOW) for operator, test in TESTS.items()}
    assert set(answers) == set(Operator)
    assert all(answers[one] is not answers[other] for one, other in COMPLEMENTS)


@given(JSON_VALUES, JSON_VALUES)
def test_equality_is_symmetric_and_order_never_contradicts_itself(actual: Any, value: Any) -> None:
    equals = TESTS[Operator.EQUALS]
    assert equals(actual, value, NOW) == equals(value, actual, NOW)
    assert equals(actual, actual, NOW)
    assert not (TESTS[Operator.GT](actual, value, NOW) and TESTS[Operator.LTE](actual, value, NOW))
    assert not (TESTS[Operator.BEFORE](actual, value, NOW) and TESTS[Operator.AFTER](actual, value, NOW))


@given(st.text(max_size=20), st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
def test_resolving_any_path_never_raises(path: str, bag: dict[str, Any]) -> None:
    resolve(path, bag)
    resolve(f"contact.{path}", bag)


def test_all_and_any_and_the_details() -> None:
    conditions = [
        Condition(field="score", operator=Operator.GTE, value=70),
        Condition(field="email", operator=Operator.CONTAINS, value="nobody"),
    ]
    assert not evaluate("all", conditions, BAG, NOW).passed
    verdict = evaluate("any", conditions, BAG, NOW)
    assert verdict.passed
    assert verdict.details == [
        {"field": "score", "operator": "gte", "value": 70, "actual": 85, "passed": True},
        {"field": "email", "operator": "contains", "value": "nobody", "actual": "Ada@Example.com", "passed": False},
    ]


@pytest.mark.parametrize(
    ("given_condition", "message"),
    [
        ({"field": "a", "operator": "equals"}, "needs a value"),
        ({"field": "a", "operator": "gt", "value": "many"}, "a number or an ISO 8601 date"),
        ({"field": "a", "operator": "before", "value": "soon"}, "ISO 8601"),
        ({"field": "a", "operator": "within_last", "value": "a while"}, "span"),
        ({"field": "a", "operator": "in", "value": 5}, "a list"),
        ({"field": "a", "operator": "contains", "value": ["x"]}, "use `in`"),
        ({"field": "", "operator": "exists"}, "at least 1 character"),
        ({"field": "a", "operator": "like", "value": 1}, "equals"),
    ],
)
def test_conditions_that_cannot_hold_are_refused_at_save(given_condition: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Condition.model_validate(given_condition)
