"""Accept headers: what an answer of GraphQL may be, and what it had better be."""

import pytest

from drippulse_graphql.kit.accept import MAX_REMEMBERED, REMEMBERED, accepted

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
EVENTS = "text/event-stream"


@pytest.mark.parametrize(
    ("header", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html", JSON),  # nothing fits; an answer in JSON is of more use than none
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (GRAPHQL.upper(), GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, {JSON}; charset=utf-8", GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0", JSON),
        (f"{GRAPHQL};q=0.000", JSON),
        (f"{GRAPHQL} ; Q=0 , */*", JSON),
        (f"{GRAPHQL};q=0, application/*", JSON),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.5", GRAPHQL),
        (f"{GRAPHQL};q=0.5, {JSON};q=0.6", JSON),
        (f"{GRAPHQL};q=0.5, */*", JSON),
        (f"{GRAPHQL};q=0.5, */*;q=0.4", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/*;q=0.2, */*", GRAPHQL),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON};q=0, {GRAPHQL};q=0.1", GRAPHQL),
        (f"{JSON};q=0, text/html", JSON),
        (f"{GRAPHQL};profile=x;q=0, {GRAPHQL}", GRAPHQL),
        (f'text/plain;note=", {GRAPHQL}, "', JSON),
        (f'text/plain;note="\\", {GRAPHQL}"', JSON),
        (f'text/plain;note="open, {GRAPHQL}', JSON),
        (f"{GRAPHQL}x, x{GRAPHQL}", JSON),
        (f"{GRAPHQL};q=many", GRAPHQL),  # no weight
        (f"{GRAPHQL};q=0.\N{ARABIC-INDIC DIGIT ZERO}", GRAPHQL),
        (f",, ;q=0,{GRAPHQL},", GRAPHQL),
    ],
)
def test_the_json_that_is_asked_for(header: str, media_type: str) -> None:
    assert accepted(header).media_type == media_type


@pytest.mark.parametrize(
    ("header", "events", "rather_events"),
    [
        ("", False, False),
        ("*/*", False, False),
        ("text/*", False, False),
        (EVENTS, True, True),
        ("Text/Event-Stream", True, True),
        (f"{EVENTS}, {JSON}", True, False),
        (f"{GRAPHQL}, {JSON}, {EVENTS}, */*", True, False),
        (f"{EVENTS};q=0, {JSON}", False, False),
        (f"{EVENTS};q=0", False, False),
        (f"{EVENTS};q=0.5, {JSON}", True, False),
        (f"{EVENTS};q=0.5, {GRAPHQL}", True, False),
        (f"{EVENTS};q=0.5, */*", True, True),  # asked for by its name
        (f"{EVENTS};q=0.5, {JSON};q=0.1", True, True),
        (f'text/plain;note="{EVENTS}"', False, False),
    ],
)
def test_events_are_for_who_names_them(header: str, events: bool, rather_events: bool) -> None:
    assert (accepted(header).events, accepted(header).rather_events) == (events, rather_events)


def test_what_is_remembered_is_bounded() -> None:
    for number in range(3 * MAX_REMEMBERED):
        assert accepted(f"{JSON};x={number}").media_type == JSON
    before = REMEMBERED.cache_info()
    for long in (f"{JSON};x=" + "y" * 10_000, '"' * 100_000, "," * 100_000, '"\\' * 50_000):
        assert accepted(long).media_type == JSON
    assert REMEMBERED.cache_info() == before
    assert before.currsize == MAX_REMEMBERED
