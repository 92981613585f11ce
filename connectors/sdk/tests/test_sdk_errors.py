"""The error tree as it is drawn in the module, and what its errors carry."""

import pickle
import re
import sys

import pytest

import drippulse_connector_sdk as sdk
from drippulse_connector_sdk import (
    ConnectorError,
    FatalError,
    InvalidInput,
    OutcomeUnknown,
    RateLimited,
    RetriableError,
)


def _all_below(kind: type[ConnectorError]) -> list[type[ConnectorError]]:
    return [kind, *(lower for one in kind.__subclasses__() for lower in _all_below(one))]


SHIPPED = [one for one in _all_below(ConnectorError) if one.__module__.startswith("drippulse_connector_sdk.")]


def test_tree_is_drawn_completely() -> None:
    """Each class stands below its base: the drawing is read by its indentation."""
    text = sys.modules[ConnectorError.__module__].__doc__ or ""
    path: dict[int, str] = {}
    drawn: set[tuple[str, str]] = set()
    for indent, name in re.findall(r"^    ([ │├└─]*)(\w+)", text, re.MULTILINE):
        path[len(indent)] = name
        if indent:
            drawn.add((name, path[len(indent) - 4]))
    assert drawn == {(one.__name__, one.__base__.__name__) for one in SHIPPED[1:] if one.__base__}


def test_every_error_is_public_and_in_exactly_one_recovery_group() -> None:
    groups = (RetriableError, FatalError, OutcomeUnknown)
    for kind in SHIPPED[1:]:
        assert kind.__name__ in sdk.__all__
        assert sum(issubclass(kind, group) for group in groups) == 1, kind


def test_codes_are_stable_words_and_differ() -> None:
    codes = [one.default_code for one in SHIPPED]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_only_refused_credentials_ask_for_new_ones() -> None:
    assert {one.__name__ for one in SHIPPED if one.needs_reauth} == {"AuthenticationFailed"}


def test_error_survives_pickling() -> None:
    error = RateLimited("Slow down.", retry_after=3.5, provider_code="ratelimited")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.message, again.retry_after, again.provider_code) == (
        RateLimited,
        "Slow down.",
        3.5,
        "ratelimited",
    )


def test_redaction_reaches_every_text() -> None:
    error = InvalidInput("a s3cret-long b s3cret", provider_code="s3cret", errors={"x.s3cret": ["is s3cret-long"]})
    error.redact(["s3cret", "s3cret-long"])
    assert error.message == str(error) == "a [redacted] b [redacted]"
    assert error.provider_code == "[redacted]"
    assert error.errors == {"x.[redacted]": ["is [redacted]"]}


@pytest.mark.parametrize("kind", SHIPPED)
def test_defaults(kind: type[ConnectorError]) -> None:
    error = kind("What happened.")
    assert (error.code, error.retry_after, error.errors) == (kind.default_code, None, {})
