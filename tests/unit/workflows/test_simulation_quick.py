"""The simulation's short ways change nothing: it tells the same as when every mail is composed by its step and counted
by the engine's own functions, event by event."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.simulation import MONDAY, job_of, written_down

SIMPLE = [
    "Hello",
    "Hi {{ first_name }}",
    "{{ first_name | default: 'you' }}, {{ plan }} {{ contact.name }}",
    "{{ contact.attributes.deal.size }} {{ deal.size }} {{ contact.first_name }}",
    "{{ first_name.length }} {{ plan.name }} {{ note }}",
]
TEXTS = [
    *SIMPLE,
    "{{ deal }} {{ seen }}",
    "{{ today }}, {{ plan }}",
    "{{ now | date: '%H' }} o'clock, {{ nobody }}",
    "It is {{ 'now' | date: '%A' }}. {{ plan }}",
    "{% if score > 40 %}{{ plan | upcase }}{% else %}{{ today }} {{ nobody }}{% endif %}",
    "{{ tags }} {{ tags.first }} {{ score }}",
    "{{ plan | capitalize }}",
    "{{ score | divided_by: 0 }}",
]
ADDRESSES = [
    "{{ email }}",
    "{{ plan }}@example.org",
    "team@example.org",
    "Team <{{ plan }}@example.org>",
    "h{{ now | date: '%H' }}@example.org",
    "{{ nobody }}",
    "{{ email | downcase }}",
]
PEOPLE: list[dict[str, Any]] = [
    {"email": "Ada@example.com", "first_name": "Ada", "score": 90, "plan": "pro", "deal": {"size": 3}},
    {"email": "bob@example.com", "score": 10, "plan": "free", "timezone": "Asia/Kathmandu", "note": None},
    {"email": "ADA@EXAMPLE.COM", "first_name": "", "score": 41.5, "plan": "pro", "tags": ["a"]},
    {"email": "listed@example.com", "first_name": "Cy & <Co>", "score": 50, "plan": "pro", "seen": True},
    {"email": "no address", "score": "many", "plan": None, "timezone": "America/New_York"},
    {"first_name": "Eve", "score": 0, "deal": [1], "plan": "x y", "contact": {"name": "own"}},
    {"email": "fay@b.example.org", "first_name": "F" * 9_000, "score": 10**19, "plan": "pro"},
]
RICH = [{"field": "score", "operator": "gt", "value": 40}]
MODELS = {
    "calls": {
        "s1": [
            {"probability": 0.2, "outcome": "retry"},
            {"probability": 0.2, "outcome": "unknown"},
            {"probability": 0.1, "outcome": "failed"},
        ]
    }
}
GOALS = {
    "goals": [{"name": "later", "conditions": [{"field": "since", "operator": "before", "value": "now"}]}],
}


def texts(choices: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=2).map(" ".join)


def mails(choices: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    config = st.fixed_dictionaries(
        {"subject": texts(choices), "body": texts(choices)},
        optional={
            "to": st.sampled_from(ADDRESSES),
            "html": texts(choices),
            "from": st.sampled_from(["{{ plan }}@example.org", "Bea <b@example.org>", "{{ nobody }}", "{{ plan }}"]),
            "senders": st.just(["a@example.org", "Bea <b@example.org>"]),
            "reply_to": st.sampled_from(ADDRESSES),
            "send_window": st.just({"start": "08:30", "end": "11:00", "business_days_only": True}),
            "on_unknown": st.sampled_from(["skip", "resend", "ask"]),
        },
    )
    return st.fixed_dictionaries({"type": st.just("email"), "config": config})


def others() -> st.SearchStrategy[dict[str, Any]]:
    fields = {"score": "{{ score | plus: 30 }}", "plan": "{{ now | date: '%j' }}", "note": "{{ first_name }}"}
    return st.sampled_from(
        [
            {"type": "wait", "config": {"duration": 1, "unit": "days"}},
            {"type": "wait", "config": {"duration": 5, "unit": "hours"}},
            {"type": "filter", "config": {"conditions": RICH}},
            {"type": "set_fields", "config": {"fields": fields}},
            {"type": "branch", "config": {"branches": [{"conditions": RICH, "goto": "last"}]}},
            {"type": "goto", "config": {"step": "s0", "max_visits": 1}},
        ]
    )


@st.composite
def definitions(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = draw(st.lists(mails(SIMPLE) | mails(TEXTS) | others(), min_size=1, max_size=6))
    named = [{**one, "id": f"s{place}", "name": f"s{place}"} for place, one in enumerate(steps)]
    return [*named, {"type": "log", "id": "last", "name": "last", "config": {"message": "{{ plan }} {{ nobody }}"}}]


def caps() -> st.SearchStrategy[dict[str, Any]]:
    windows = st.sampled_from(
        [{"per_minute": 1}, {"per_hour": 1}, {"per_day": 1, "per_week": 3}, {"per_hour": 1, "per_day": 2}]
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "caps": st.fixed_dictionaries(
                {}, optional=dict.fromkeys(("organization", "sender", "recipient_domain", "contact"), windows)
            ),
            "ramp_up": st.sampled_from(
                [
                    {"start_per_day": 1, "factor": 2, "days": 3},
                    {"start_per_day": 2, "step": 1, "days": 4, "started_at": "2027-01-03T10:00:00Z"},
                    {"start_per_day": 1, "step": 1, "days": 9, "started_at": "2027-01-04", "sender": "A@example.org"},
                ]
            ),
            "quiet_hours": st.sampled_from(
                [
                    {"start": "10:00", "end": "07:00"},
                    {"start": "12:00", "end": "12:45", "timezone": "org", "weekdays": ["mon", "wed"]},
                ]
            ),
        },
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=definitions(),
    sending=caps(),
    modelled=st.booleans(),
    goal=st.none() | st.integers(0, 72),
    per_day=st.none() | st.integers(1, 5),
    days=st.sampled_from([1, 6, 40]),
)
def test_short_ways_lead_to_the_same(
    steps: list[dict[str, Any]],
    sending: dict[str, Any],
    *,
    modelled: bool,
    goal: int | None,
    per_day: int | None,
    days: int,
) -> None:
    since = {} if goal is None else {"since": (MONDAY + timedelta(hours=goal)).isoformat()}
    job = job_of(
        steps,
        [{**person, **since} for person in PEOPLE],
        sending=sending,
        models=MODELS if modelled else {},
        settings=None if goal is None else GOALS,
        organization_timezone="Europe/Berlin",
        suppressed=["listed@example.com"],
        per_day=per_day,
        until=MONDAY + timedelta(days=days),
        seed=days,
    )
    assert written_down(job, plainly=False) == written_down(job, plainly=True)


def _diary(config: dict[str, Any] | None = None, **changes: Any) -> list[tuple[Any, ...]]:
    mail = {"subject": SIMPLE[1], "body": SIMPLE[2], **(config or {})}
    asked: dict[str, Any] = {"sending": {"caps": {"organization": {"per_hour": 1}}}, **changes}
    job = job_of([{"type": "email", "id": "s0", "name": "s0", "config": mail}], PEOPLE, **asked)
    return written_down(job, plainly=False)


def test_the_diary_tells_apart_what_counts() -> None:
    """The comparison above can fail: refusals, missing names, addresses and lateness all show."""
    diary = _diary()
    kinds = Counter(line[0] for line in diary)
    assert (kinds["sent"], kinds["refused"], kinds["record"]) == (5, 4, 7)
    others = [
        _diary(sending={}),
        _diary(sending={"caps": {"organization": {"per_hour": 2}}}),
        _diary({"body": SIMPLE[4]}),
        _diary({"to": "{{ plan }}@example.org"}),
        _diary(suppressed=["bob@example.com"]),
        _diary(models={"calls": {"s0": [{"probability": 0.5, "outcome": "failed"}]}}),
    ]
    assert all(other != diary for other in others)


def test_a_mail_that_grows_too_long_fails_either_way() -> None:
    body = {"subject": "Hi", "body": "{{ note }}" * 4}
    notes: list[Any] = ["&" * 100, "&" * 300_000, ["&" * 300_000]]
    contacts = [{"email": f"p{number}@example.com", "note": note} for number, note in enumerate(notes)]
    job = job_of([{"type": "email", "id": "s0", "name": "s0", "config": body}], contacts)
    diary = written_down(job, plainly=False)
    assert [line[4] for line in diary if line[0] == "ended"] == ["", "template_error", "template_error"]
    assert diary == written_down(job, plainly=True)


HOUR = "h{{ 'now' | date: '%H' }}"
LATER = "{% assign hour = 'now' | date: '%H' %}{% if hour > '11' %}{{ nobody }}{% endif %}"


@pytest.mark.parametrize(
    "config",
    [{"to": "h{{ 'now' | date: '%H' }}@example.org"}, {"body": LATER}, {"from": "h{{ 'now' | date: '%H' }}@b.org"}],
)
def test_a_mail_that_goes_by_the_clock_is_composed_when_it_goes_out(config: dict[str, Any]) -> None:
    mail = {"subject": "Hi", "body": "Hello", **config}
    steps = [{"type": "email", "id": "s0", "name": "s0", "config": mail}]
    job = job_of(steps, PEOPLE, sending={"caps": {"organization": {"per_hour": 1}}})
    diary = written_down(job, plainly=False)
    assert {line[-1] for line in diary if line[0] == "sent"} != {timedelta(0)}
    assert diary == written_down(job, plainly=True)


def test_what_a_failing_step_does_not_come_to_is_not_missing() -> None:
    config = {"to": "team@example.org", "subject": "Hi", "body": "x", "from": "{{ plan }}", "reply_to": "{{ nobody }}"}
    job = job_of([{"type": "email", "id": "s0", "name": "s0", "config": config}], [{"plan": "no address"}])
    diary = written_down(job, plainly=False)
    assert [line[-1] for line in diary if line[0] == "record"] == [[]]
    assert diary == written_down(job, plainly=True)
