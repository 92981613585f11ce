"""Conditions of filters and branches: one rule for every operator, chosen for people, and no operator ever raises.

- Text compares without regard to case and surrounding blanks.
- A number and a text that reads as a number compare as numbers (`"85"` equals 85); two texts compare as text, so that
  the postal codes "01234" and "1234" differ.
- true and false equal the texts true/false, yes/no, on/off and the numbers 1 and 0.
- `exists` means known: null, blank text, an empty list and an empty object do not exist. null equals all of these.
- `contains` finds a part of a text, an element of a list, or a key of an object; `in` takes a list or a
  comma-separated text, and a list-valued field is `in` when any element is.
- gt, gte, lt, lte compare numbers, otherwise ISO 8601 dates; what is neither fails all four.
- before and after compare ISO 8601 dates (UTC unless they say otherwise) and Unix times; the value may be `now`.
- `within_last` takes `{duration, unit}` or "7 days"; the future is not within the last days.
- `is_false` is the opposite of `is_true`: whatever is not true, also a missing field.
"""

import operator as op
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, TypeAlias, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drippulse.workflows.namespace import resolve
from drippulse.workflows.values import blank, number, parse_moment, parse_span, truth

MatchMode: TypeAlias = Literal["all", "any"]
MAX_CONDITIONS = 50


class Operator(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    EXISTS = "exists"
    NOT_EXISTS = "not_exists"
    IS_TRUE = "is_true"
    IS_FALSE = "is_false"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NOT_IN = "not_in"
    BEFORE = "before"
    AFTER = "after"
    WITHIN_LAST = "within_last"


VALUELESS = frozenset({Operator.EXISTS, Operator.NOT_EXISTS, Operator.IS_TRUE, Operator.IS_FALSE})

_EXPRESSION = re.compile(r"\{\{\s*([^\s{}|]+)\s*\}\}")


def bare_path(text: str) -> str:
    """The dotted path in `text`; people write `{{ score }}` where a path is meant."""
    expression = _EXPRESSION.fullmatch(text.strip())
    return expression[1] if expression else text.strip()


class Condition(BaseModel):
    """One test of one field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(
        min_length=1,
        max_length=500,
        description="Dotted path into the contact's data, such as `score`, `contact.email` or `payload.items.0.sku`.",
    )
    operator: Operator = Field(description="How the field is compared with the value.")
    value: Any = Field(default=None, description="What to compare with; not for exists, not_exists, is_true, is_false.")

    @field_validator("field")
    @classmethod
    def _bare_path(cls, text: str) -> str:
        return bare_path(text)

    @model_validator(mode="after")
    def _value_fits(self) -> "Condition":
        if self.operator not in VALUELESS and "value" not in self.model_fields_set:
            raise ValueError(f"the operator {self.operator} needs a value")
        problem = _VALUE_RULES.get(self.operator, _anything)(self.value)
        if problem:
            raise ValueError(f"the operator {self.operator} needs {problem}")
        return self


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the conditions hold, with one detail a condition: {field, operator, value, actual, passed}."""

    passed: bool
    details: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def evaluate(match: MatchMode, conditions: Iterable[Condition], bag: Mapping[str, Any], now: datetime) -> Verdict:
    """All conditions are evaluated, so that the details are complete. No condition at all holds."""
    details: list[dict[str, Any]] = []
    passed: list[bool] = []
    for condition in conditions:
        actual = resolve(condition.field, bag)
        result = TESTS[condition.operator](actual, condition.value, now)
        passed.append(result)
        details.append(
            {
                "field": condition.field,
                "operator": condition.operator,
                "value": condition.value,
                "actual": actual,
                "passed": result,
            }
        )
    return Verdict(passed=(any(passed) or not passed) if match == "any" else all(passed), details=details)


def _equals(actual: Any, value: Any, _now: datetime | None = None) -> bool:
    if isinstance(actual, str) and isinstance(value, str):
        return _fold(actual) == _fold(value)
    if actual is None or value is None:
        return blank(actual) and blank(value)
    if isinstance(actual, bool) or isinstance(value, bool):
        return _bit(actual) is not None and _bit(actual) == _bit(value)
    if isinstance(actual, int | float) or isinstance(value, int | float):
        left, right = number(actual), number(value)
        return left is not None and left == right
    return actual == value


def _bit(value: Any) -> bool | None:
    """`truth`, but only 0 and 1 among the numbers: 85 does not equal true."""
    if isinstance(value, int | float) and value not in (0, 1):
        return None
    return truth(value)


def _contains(actual: Any, value: Any, _now: datetime) -> bool:
    if isinstance(actual, list):
        return any(_equals(item, value) for item in actual)  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(actual, Mapping):
        return any(_equals(key, value) for key in actual)  # pyright: ignore[reportUnknownVariableType] - JSON
    return not blank(actual) and _text(value) in _text(actual)


def _starts_with(actual: Any, value: Any, _now: datetime) -> bool:
    return not isinstance(actual, list | dict) and not blank(actual) and _text(actual).startswith(_text(value))


def _ends_with(actual: Any, value: Any, _now: datetime) -> bool:
    return not isinstance(actual, list | dict) and not blank(actual) and _text(actual).endswith(_text(value))


def _is_in(actual: Any, value: Any, _now: datetime) -> bool:
    choices = cast("list[Any]", value) if isinstance(value, list) else str(value).split(",")
    actuals = cast("list[Any]", actual) if isinstance(actual, list) else [actual]
    return any(_equals(one, choice) for one in actuals for choice in choices)


def _exists(actual: Any, _value: Any, _now: datetime) -> bool:
    return not blank(actual)


def _is_true(actual: Any, _value: Any, _now: datetime) -> bool:
    return truth(actual) is True


def _order(compare: Callable[[Any, Any], bool]) -> "Test":
    def test(actual: Any, value: Any, now: datetime) -> bool:
        left, right = number(actual), number(value)
        if left is not None and right is not None:
            return compare(left, right)
        return _compare_moments(compare, actual, value, now) if left is None and right is None else False

    return test


def _moment_test(compare: Callable[[Any, Any], bool]) -> "Test":
    def test(actual: Any, value: Any, now: datetime) -> bool:
        return _compare_moments(compare, actual, value, now)

    return test


def _compare_moments(compare: Callable[[Any, Any], bool], actual: Any, value: Any, now: datetime) -> bool:
    left, right = parse_moment(actual, now), parse_moment(value, now)
    return left is not None and right is not None and compare(left, right)


def _within_last(actual: Any, value: Any, now: datetime) -> bool:
    moment, span = parse_moment(actual, now), parse_span(value)
    return moment is not None and span is not None and timedelta(0) <= now - moment <= span


def _fold(text: str) -> str:
    return text.strip().casefold()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return _fold(str(value))
    except ValueError:  # an integer of more than 4,300 digits
        return ""


Test: TypeAlias = Callable[[Any, Any, datetime], bool]


def _not(test: Test) -> Test:
    return lambda actual, value, now: not test(actual, value, now)


TESTS: dict[Operator, Test] = {
    Operator.EQUALS: _equals,
    Operator.NOT_EQUALS: _not(_equals),
    Operator.CONTAINS: _contains,
    Operator.NOT_CONTAINS: _not(_contains),
    Operator.STARTS_WITH: _starts_with,
    Operator.ENDS_WITH: _ends_with,
    Operator.EXISTS: _exists,
    Operator.NOT_EXISTS: _not(_exists),
    Operator.IS_TRUE: _is_true,
    Operator.IS_FALSE: _not(_is_true),
    Operator.GT: _order(op.gt),
    Operator.GTE: _order(op.ge),
    Operator.LT: _order(op.lt),
    Operator.LTE: _order(op.le),
    Operator.IN: _is_in,
    Operator.NOT_IN: _not(_is_in),
    Operator.BEFORE: _moment_test(op.lt),
    Operator.AFTER: _moment_test(op.gt),
    Operator.WITHIN_LAST: _within_last,
}


def _anything(_value: Any) -> str | None:
    return None


def _needs_scalar(value: Any) -> str | None:
    return "a text or a number; for several values use `in`" if isinstance(value, list | dict) or blank(value) else None


def _needs_order(value: Any) -> str | None:
    known = number(value) is not None or parse_moment(value, datetime.now(UTC)) is not None
    return None if known else "a number or an ISO 8601 date"


def _needs_moment(value: Any) -> str | None:
    return None if parse_moment(value, datetime.now(UTC)) is not None else "an ISO 8601 date or `now`"


def _needs_choices(value: Any) -> str | None:
    return None if isinstance(value, list | str) else "a list"


def _needs_span(value: Any) -> str | None:
    return None if parse_span(value) is not None else 'a span such as {"duration": 7, "unit": "days"} or "7 days"'


_VALUE_RULES: dict[Operator, Callable[[Any], str | None]] = {
    Operator.CONTAINS: _needs_scalar,
    Operator.NOT_CONTAINS: _needs_scalar,
    Operator.STARTS_WITH: _needs_scalar,
    Operator.ENDS_WITH: _needs_scalar,
    Operator.GT: _needs_order,
    Operator.GTE: _needs_order,
    Operator.LT: _needs_order,
    Operator.LTE: _needs_order,
    Operator.IN: _needs_choices,
    Operator.NOT_IN: _needs_choices,
    Operator.BEFORE: _needs_moment,
    Operator.AFTER: _needs_moment,
    Operator.WITHIN_LAST: _needs_span,
}
