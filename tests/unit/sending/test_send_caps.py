"""The arithmetic of caps and ramp-up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.sending.schemas import RampUp, SendingPolicy
from drippulse.sending.state import (
    DAY,
    HOUR,
    MINUTE,
    WEEK,
    Bucket,
    Limit,
    Room,
    Wanted,
    admit,
    limits,
    ramp_allowance,
    window_start,
)

NOW = datetime(2026, 11, 18, 13, 45, 30, tzinfo=UTC)  # a Wednesday


def bucket(number: int, seconds: int = HOUR, scope: str = "organization") -> Bucket:
    return Bucket(1, scope, str(number), seconds, window_start(NOW, seconds))


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[Wanted], dict[Bucket, Room]]:
    """Mails over a few windows, some of which are partly full."""
    caps = {bucket(n): draw(st.integers(1, 5)) for n in range(draw(st.integers(1, 4)))}
    rooms = {one: Room(draw(st.integers(0, 6)), draw(st.integers(0, 20))) for one in caps}
    picks = draw(st.lists(st.sets(st.sampled_from(sorted(caps)), min_size=1), max_size=20))
    wanted = [
        Wanted((n, 0), tuple(Limit(one, caps[one]) for one in sorted(chosen)), draw(st.floats(0, 0.99)))
        for n, chosen in enumerate(picks)
    ]
    return wanted, rooms


@given(groups())
def test_no_window_gets_more_than_its_cap_and_every_mail_goes_or_waits(
    group: tuple[list[Wanted], dict[Bucket, Room]],
) -> None:
    wanted, rooms = group
    answer = admit(wanted, rooms)
    assert answer.reserved.keys() | answer.put_off.keys() == {mail.key for mail in wanted}
    assert not answer.reserved.keys() & answer.put_off.keys()
    caps = {limit.bucket: limit.cap for mail in wanted for limit in mail.limits}
    for one, cap in caps.items():
        taken = sum(one in buckets for buckets in answer.reserved.values())
        assert taken == 0 or rooms[one].sent + taken <= cap


@given(groups())
def test_nobody_waits_without_a_full_window_or_comes_back_before_it_ends(
    group: tuple[list[Wanted], dict[Bucket, Room]],
) -> None:
    wanted, rooms = group
    answer = admit(wanted, rooms)
    used = {one: room.sent for one, room in rooms.items()}
    for mail in wanted:
        full = [limit.bucket for limit in mail.limits if used[limit.bucket] >= limit.cap]
        assert bool(full) == (mail.key in answer.put_off)
        if full:
            assert answer.put_off[mail.key][0] >= max(one.ends_at for one in full)
        for one in answer.reserved.get(mail.key, ()):
            used[one] += 1


def test_those_who_find_a_window_full_take_turns_in_the_ones_that_follow() -> None:
    limit = Limit(bucket(0, MINUTE), 2)
    wanted = [Wanted((n, 0), (limit,), 0.0) for n in range(7)]
    answer = admit(wanted, {limit.bucket: Room(0, 0)})
    assert list(answer.reserved) == [(0, 0), (1, 0)]
    minutes = [(until - limit.bucket.ends_at) / timedelta(minutes=1) for until, _ in answer.put_off.values()]
    assert minutes == [0, 0, 1, 1, 2]
    assert answer.full == {limit.bucket: 5}


def test_windows_are_aligned_in_utc_and_weeks_begin_on_monday() -> None:
    assert window_start(NOW, MINUTE) == datetime(2026, 11, 18, 13, 45, tzinfo=UTC)
    assert window_start(NOW, HOUR) == datetime(2026, 11, 18, 13, tzinfo=UTC)
    assert window_start(NOW, DAY) == datetime(2026, 11, 18, tzinfo=UTC)
    assert window_start(NOW, WEEK) == datetime(2026, 11, 16, tzinfo=UTC)


def test_a_mail_counts_for_its_sender_domain_and_contact_whatever_their_spelling() -> None:
    caps = {scope: {"per_day": 5} for scope in ("organization", "sender", "recipient_domain", "contact")}
    policy = SendingPolicy.model_validate({"caps": caps})
    found = limits(policy, 7, "Ada@EXAMPLE.com", "Team <News@Shop.example>", NOW)
    assert [(one.bucket.scope, one.bucket.key) for one in found] == [
        ("organization", ""),
        ("sender", "news@shop.example"),
        ("recipient_domain", "example.com"),
        ("contact", "ada@example.com"),
    ]
    assert limits(SendingPolicy(), 7, "ada@example.com", None, NOW) == ()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [({"factor": 2}, [10, 20, 40, None, None]), ({"step": 5}, [10, 15, 20, None, None])],
)
def test_the_allowance_of_a_new_sender_rises_by_utc_days_and_ends(
    rule: dict[str, int], expected: list[int | None]
) -> None:
    started = datetime(2026, 11, 18, 23, 59, tzinfo=UTC)
    ramp = RampUp.model_validate({"start_per_day": 10, "days": 3, "started_at": started, **rule})
    midnight = datetime(2026, 11, 18, 12, tzinfo=UTC)
    assert [ramp_allowance(ramp, midnight + timedelta(days=n)) for n in range(5)] == expected


def test_a_ramp_up_of_one_sender_leaves_the_others_alone() -> None:
    ramp = {"start_per_day": 3, "step": 1, "days": 9, "started_at": NOW, "sender": "new@shop.example"}
    policy = SendingPolicy.model_validate({"ramp_up": ramp})
    [limit] = limits(policy, 7, "a@b.org", "New <new@shop.example>", NOW)
    assert (limit.bucket.scope, limit.bucket.key, limit.cap) == ("ramp_up", "new@shop.example", 3)
    assert limits(policy, 7, "a@b.org", "old@shop.example", NOW) == ()
