"""Policies that can never be kept are refused, with the place named."""

from typing import Any

import pytest
from pydantic import ValidationError

from drippulse.sending.breaker import Totals, judge
from drippulse.sending.schemas import BreakerRule, SendingPolicy
from drippulse.sending.tables import Breaker


@pytest.mark.parametrize(
    ("policy", "place", "words"),
    [
        ({"quiet_hours": {"start": "08:00", "end": "08:00"}}, ("quiet_hours",), "24 hours"),
        (
            {"quiet_hours": {"start": "21:00", "end": "08:00", "timezone": "Bonn"}},
            ("quiet_hours", "timezone"),
            "IANA",
        ),
        ({"caps": {"contact": {"per_day": 0}}}, ("caps", "contact", "per_day"), "pause"),
        ({"caps": {"sender": {"per_minute": 10, "per_hour": 5}}}, ("caps", "sender"), "never be reached"),
        ({"caps": {"planet": {"per_day": 1}}}, ("caps", "planet"), "Extra"),
        ({"ramp_up": {"start_per_day": 5, "days": 3}}, ("ramp_up",), "factor"),
        ({"ramp_up": {"start_per_day": 5, "days": 3, "step": 1, "factor": 2}}, ("ramp_up",), "either"),
        ({"breaker": {"complaint_warn": 0.5}}, ("breaker",), "complaint_warn"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(
    policy: dict[str, Any], place: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        SendingPolicy.model_validate(policy)
    [error] = caught.value.errors()
    assert error["loc"] == place
    assert words in error["msg"]


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        (Totals(10_000, 0, 9), Breaker.OK),
        (Totals(10_000, 0, 10), Breaker.WARN),
        (Totals(10_000, 0, 29), Breaker.WARN),
        (Totals(10_000, 0, 30), Breaker.STOPPED),
        (Totals(10_000, 499, 0), Breaker.OK),
        (Totals(10_000, 500, 0), Breaker.STOPPED),
        (Totals(499, 499, 499), Breaker.OK),
        (Totals(500, 25, 0), Breaker.STOPPED),
    ],
)
def test_the_breaker_warns_at_a_tenth_of_a_percent_and_stops_at_three_or_at_five_percent_bounces(
    totals: Totals, expected: Breaker
) -> None:
    assert judge(BreakerRule(), totals, Breaker.OK)[0] is expected
    assert judge(BreakerRule(), totals, Breaker.WARN)[0] is expected


def test_a_stopped_organization_stays_stopped_whatever_the_rates_become() -> None:
    assert judge(BreakerRule(), Totals(10_000, 0, 0), Breaker.STOPPED)[0] is Breaker.STOPPED


def test_the_reason_has_the_numbers() -> None:
    assert judge(BreakerRule(), Totals(1000, 0, 3), Breaker.OK)[1] == (
        "3 complaints of 1000 mails: 0.30%, the limit is 0.30%"
    )
