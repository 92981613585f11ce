"""The simulation against answers worked out by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drippulse.workflows.simulation.errors import SimulationTooLargeError, Spent
from drippulse.workflows.simulation.job import simulate
from drippulse.workflows.simulation.tally import UNTOLD, Paths
from tests.support.simulation import MONDAY, job_of, nothing, people, recorded, simulated

HOUR, DAY = 3600, 86_400
HOOK = {"url": "https://example.com/hook", "response_branches": [{"status": "404", "goto": "lost"}]}
HOURLY = {"caps": {"organization": {"per_hour": 1}}}
ASK = {"timeout": {"duration": 2, "unit": "days"}, "on_reject": "no", "on_timeout": "late"}


def step(kind: str, step_id: str, **config: Any) -> dict[str, Any]:
    return {"id": step_id, "type": kind, "name": step_id, "config": config}


def wait(step_id: str, duration: float, unit: str = "days") -> dict[str, Any]:
    return step("wait", step_id, duration=duration, unit=unit)


def mail(step_id: str = "mail", **config: Any) -> dict[str, Any]:
    return step("email", step_id, **{"subject": "Hi {{ first_name }}", "body": "Hello", **config})


def by_id(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in answer["steps"]}


def totals(answer: Mapping[str, Any]) -> tuple[int, ...]:
    names = ("completed", "exited", "failed", "active", "not_started")
    return tuple(answer["totals"][name] for name in names)


def condition(field: str, operator: str, value: Any) -> list[dict[str, Any]]:
    return [{"field": field, "operator": operator, "value": value}]


BRANCHED = [
    wait("pause", 3),
    step("branch", "rich", branches=[{"conditions": condition("score", "gte", 6), "goto": "vip"}]),
    mail("plain"),
    step("exit", "bye", reason="not rich"),
    mail("vip"),
    wait("long", 30),
]


def test_counts_times_and_paths_are_those_worked_out_by_hand() -> None:
    answer = simulated(BRANCHED, people(10))
    assert totals(answer) == (4, 6, 0, 0, 0)
    assert answer["reasons"] == {"not rich": 6, "end_of_steps": 4}
    steps = by_id(answer)
    assert [steps[name]["entered"] for name in ("pause", "rich", "plain", "bye", "vip", "long")] == [10, 10, 6, 6, 4, 4]
    assert steps["vip"]["time_to_reach"] == {"p50_seconds": 3 * DAY, "p95_seconds": 3 * DAY}
    assert answer["duration"] == {"p50_seconds": 3 * DAY, "p95_seconds": 33 * DAY}
    assert [(path["contacts"], path["share"], path["ending"]) for path in answer["paths"]] == [
        (6, 0.6, "exited"),
        (4, 0.4, "completed"),
    ]
    assert [one["id"] for one in answer["paths"][0]["steps"]] == ["pause", "rich", "plain", "bye"]
    assert answer["distinct_paths"] == 2
    assert answer["sends"]["total"] == 10
    assert answer["sends"]["per_day"] == [{"date": "2027-01-07", "sends": 10}]
    assert answer["virtual_seconds"] == 365 * DAY


def test_mails_are_counted_in_the_contacts_own_hour() -> None:
    contacts = [{"email": "a@b.org", "timezone": "Asia/Tokyo"}, {"email": "b@b.org", "timezone": "America/New_York"}]
    sends = simulated([wait("night", 12, "hours"), mail()], contacts)["sends"]
    hours = {
        day["weekday"]: {at: count for at, count in enumerate(day["hours"]) if count} for day in sends["by_weekday"]
    }
    assert (hours["mon"], hours["tue"]) == ({16: 1}, {6: 1})
    assert sends["per_day"] == [{"date": "2027-01-04", "sends": 2}]


def test_days_are_utc_days_whatever_offset_the_start_has() -> None:
    start = datetime.fromisoformat("2027-01-04T01:00:00+02:00")
    answer = simulated([step("set_fields", "f", fields={"at": "{{ now }}"}), mail()], people(1), start_at=start)
    assert answer["sends"]["per_day"] == [{"date": "2027-01-03", "sends": 1}]
    _, run = recorded(job_of([step("set_fields", "f", fields={"at": "{{ now }}"})], people(1), start_at=start))
    assert run.people[0].state.bag["at"] == "2027-01-03 23:00:00+00:00"


def test_the_horizon_leaves_people_where_they_stand() -> None:
    steps = [wait("first", 10), mail(), wait("second", 10)]
    answer = simulated(steps, people(6), per_day=2, until=MONDAY + timedelta(days=11, hours=1))
    # They enter on days 0, 0.5, 1, 1.5, 2 and 2.5; the mail goes out 10 days later.
    assert totals(answer) == (0, 0, 0, 6, 0)
    assert (by_id(answer)["first"]["waiting"], by_id(answer)["second"]["waiting"]) == (3, 3)
    assert answer["sends"]["total"] == 3
    early = simulated(steps, people(6), per_day=2, until=MONDAY + timedelta(days=1, hours=1))
    assert totals(early) == (0, 0, 0, 3, 3)
    assert any("3 contacts would enter after the horizon" in warning for warning in early["warnings"])


def test_templates_and_conditions_see_the_virtual_time() -> None:
    steps = [wait("year", 300), step("set_fields", "note", fields={"day": "{{ now | date: '%Y-%m-%d' }}"})]
    recorder, run = recorded(job_of(steps, people(1)))
    assert run.people[0].state.bag["day"] == "2027-10-31"
    assert recorder.ends[0].reason == "end_of_steps"


def test_a_day_is_wall_time_over_a_clock_change() -> None:
    start = datetime(2027, 3, 27, 9, 0, tzinfo=UTC)  # the night before the clocks change in Berlin
    contacts = [{"email": "a@b.org", "timezone": "Europe/Berlin"}]
    answer = simulated([wait("day", 1)], contacts, start_at=start, until=start + timedelta(days=9))
    assert answer["duration"]["p50_seconds"] == 23 * HOUR


def test_events_come_as_modelled_or_not_at_all() -> None:
    steps = [
        step("wait_for_event", "paid", event="order.paid", timeout={"duration": 5, "unit": "days"}, on_timeout="late"),
        step("exit", "thanks", reason="paid"),
        step("log", "late", message="late"),
    ]
    nobody = simulated(steps, people(100))
    assert nobody["reasons"] == {"end_of_steps": 100}
    assert by_id(nobody)["late"]["time_to_reach"]["p50_seconds"] == 5 * DAY
    delay = {"delay": {"duration": 36, "unit": "hours"}}
    some = simulated(steps, people(1000), models={"events": {"order.paid": {"probability": 0.3, **delay}}})
    assert 250 < some["reasons"]["paid"] < 350
    assert by_id(some)["thanks"]["time_to_reach"] == {"p50_seconds": 36 * HOUR, "p95_seconds": 36 * HOUR}
    late = {"probability": 1, "delay": {"duration": 6, "unit": "days"}}
    assert simulated(steps, people(10), models={"events": {"paid": late}})["reasons"] == {"end_of_steps": 10}


def test_a_wait_for_somebody_unknown_fails_as_it_would() -> None:
    steps = [step("wait_for_event", "paid", event="order.paid"), step("log", "end", message="x")]
    answer = simulated(steps, [{"first_name": "Nobody"}, {"email": "a@b.org"}])
    assert totals(answer) == (0, 0, 1, 1, 0)
    assert answer["reasons"] == {"wait_key_missing": 1}


def test_events_end_runs_as_goals_and_exit_criteria() -> None:
    settings = {"goals": [{"name": "won", "event": "deal.won"}], "exit_criteria": [{"trigger": "reply"}]}
    models = {
        "events": {
            "deal.won": {"probability": 0.5, "delay": {"duration": 2, "unit": "days"}},
            "email.replied": {"probability": 1, "delay": {"duration": 4, "unit": "days"}},
        }
    }
    answer = simulated([wait("long", 30), mail()], people(200), settings=settings, models=models)
    won = answer["reasons"]["goal:won"]
    assert 70 < won < 130
    assert answer["reasons"] == {"goal:won": won, "exit:reply": 200 - won}
    assert answer["sends"]["total"] == 0


def test_conditions_end_runs_too() -> None:
    settings = {"goals": [{"name": "rich", "conditions": condition("score", "gte", 8)}]}
    assert simulated([mail()], people(10), settings=settings)["reasons"] == {"end_of_steps": 8, "goal:rich": 2}


def test_approvals_are_decided_by_lot_or_time_out() -> None:
    steps = [
        step("approval", "ask", **ASK),
        step("exit", "yes", reason="yes"),
        step("exit", "no", reason="no"),
        step("exit", "late", reason="late"),
    ]
    assert simulated(steps, people(50))["reasons"] == {"late": 50}
    model = {"approve": 0.5, "reject": 0.25, "delay": {"duration": 3, "unit": "hours"}}
    reasons = simulated(steps, people(1000), models={"approvals": {"ask": model}})["reasons"]
    assert 440 < reasons["yes"] < 560
    assert 200 < reasons["no"] < 300
    assert sum(reasons.values()) == 1000


def test_calls_fail_are_retried_and_branch_as_modelled() -> None:
    steps = [
        step("webhook_callback", "hook", **HOOK),
        step("exit", "found", reason="found"),
        step("log", "lost", message=""),
    ]
    models = {"calls": {"hook": [{"probability": 0.5, "status": 404}, {"probability": 0.1, "status": 400}]}}
    reasons = simulated(steps, people(1000), models=models)["reasons"]
    assert 430 < reasons["end_of_steps"] < 570
    assert 60 < reasons["http_400"] < 140
    answer = simulated(steps, people(5), models={"calls": {"hook": [{"probability": 1, "status": 503}]}})
    assert answer["reasons"] == {"http_503": 5}
    assert '5 visits fail at step 1 ("hook"): http_503.' in answer["warnings"]
    assert by_id(answer)["hook"]["failed"] == 5
    recorder, _ = recorded(
        job_of(steps, people(1), models={"calls": {"hook": [{"probability": 1, "outcome": "retry"}]}})
    )
    began, ended = recorder.spans[0][0]
    assert ended - began == timedelta(seconds=5 + 10 + 20 + 40)


def test_unknown_outcomes_follow_on_unknown() -> None:
    models = {"calls": {"mail": [{"probability": 1, "outcome": "unknown"}]}}
    skipped = simulated([mail()], people(3), models=models)
    assert (by_id(skipped)["mail"]["skipped"], skipped["sends"]["total"]) == (3, 0)
    assert totals(simulated([mail(on_unknown="ask")], people(3), models=models)) == (0, 0, 0, 3, 0)


def test_suppressed_addresses_get_nothing() -> None:
    answer = simulated([mail()], people(3), suppressed=["p1@example.com"])
    assert (answer["sends"]["total"], answer["sends"]["suppressed"]) == (2, 1)
    assert by_id(answer)["mail"]["skipped"] == 1


def test_a_daily_cap_spreads_mails_over_days_and_says_so() -> None:
    answer = simulated([mail()], people(250), sending={"caps": {"organization": {"per_day": 100}}})
    sends = answer["sends"]
    assert sends["total"] == 250
    assert max(day["sends"] for day in sends["per_day"]) == 100
    assert sends["per_day"][0] == {"date": "2027-01-04", "sends": 100}
    assert sends["late"]["mails"] == 150
    assert answer["caps"][0]["reason"] == "cap:organization:per_day"
    assert answer["caps"][0]["mails"] == 150
    assert any("150 mails are late" in warning for warning in answer["warnings"])


def test_a_mail_is_late_since_it_was_first_held_up() -> None:
    job = job_of([mail("one"), wait("pause", 1), mail("two")], people(30), sending=HOURLY)
    recorder, _ = recorded(job)
    wanted = dict.fromkeys(range(30), MONDAY)
    for number, at, late in recorder.mails:
        assert late == at - wanted[number]
        wanted[number] = at + timedelta(days=1)
    answer = simulate(job, nothing)
    cap = answer["caps"][0]
    assert cap["mails"] == answer["sends"]["late"]["mails"] == sum(late > timedelta(0) for _, _, late in recorder.mails)
    assert cap["refusals"] > cap["mails"], "nobody was held up twice"
    assert len({number for number, _, late in recorder.mails if late}) < cap["mails"], "no contact was late twice"


def test_a_contact_cap_makes_the_second_mail_of_a_week_wait_for_monday() -> None:
    steps = [mail("one"), wait("pause", 1), mail("two")]
    recorder, _ = recorded(job_of(steps, people(1), sending={"caps": {"contact": {"per_week": 1}}}))
    first, second = (at for _, at, _ in recorder.mails)
    assert first == MONDAY
    assert MONDAY + timedelta(days=6, hours=15) <= second < MONDAY + timedelta(days=7)


def test_quiet_hours_hold_mail_until_they_end_where_the_contact_is() -> None:
    quiet = {"quiet_hours": {"start": "21:00", "end": "08:00"}}
    contacts = [{"email": "a@b.org", "timezone": "Asia/Tokyo"}, {"email": "b@b.org", "timezone": "Pacific/Auckland"}]
    recorder, _ = recorded(job_of([wait("w", 5, "hours"), mail()], contacts, sending=quiet))
    sent = {number: at for number, at, _ in recorder.mails}  # 14:00 UTC is 23:00 in Tokyo and 03:00 in Auckland
    assert datetime(2027, 1, 4, 23, 0, tzinfo=UTC) <= sent[0] <= datetime(2027, 1, 4, 23, 10, tzinfo=UTC)
    assert datetime(2027, 1, 4, 19, 0, tzinfo=UTC) <= sent[1] <= datetime(2027, 1, 4, 19, 10, tzinfo=UTC)


def test_missing_variables_are_counted_by_step() -> None:
    contacts = [{"email": "a@b.org", "first_name": "Ada"}, {"email": "b@b.org"}]
    answer = simulated([mail("one"), wait("w", 1), mail("two", body="{{ plan }}")], contacts)
    assert by_id(answer)["one"]["missing_variables"] == {"first_name": 1}
    assert by_id(answer)["two"]["missing_variables"] == {"first_name": 1, "plan": 2}
    assert answer["missing_variables"] == {"first_name": 2, "plan": 2}


def test_a_loop_without_end_is_told() -> None:
    steps = [
        wait("again", 1, "minutes"),
        step("branch", "back", branches=[{"conditions": condition("score", "gte", 0), "goto": "again"}]),
    ]
    answer = simulated(steps, people(2))
    assert totals(answer) == (0, 0, 2, 0, 0)
    assert answer["reasons"] == {"loop_limit": 2}
    again = by_id(answer)["again"]
    assert (again["contacts"], again["entered"], again["failed"]) == (2, 2 * 1001, 2)
    assert any("endless loop" in warning for warning in answer["warnings"])


def test_unreached_steps_and_busy_days_are_told() -> None:
    steps = [step("filter", "none", conditions=condition("score", "gt", 99)), mail("never")]
    assert 'Nobody reaches step 2 ("never").' in simulated(steps, people(3))["warnings"]
    warnings = simulated([mail()], people(30), warn_sends_per_day=20)["warnings"]
    assert "More than 20 mails go out on 1 days; most on 2027-01-04: 30." in warnings


def _lots(seed: int) -> dict[str, Any]:
    steps = [mail(), step("webhook_callback", "hook", **HOOK), step("log", "lost", message="x")]
    return simulated(steps, people(300), seed=seed, models={"calls": {"hook": [{"probability": 0.4, "status": 400}]}})


def test_the_seed_decides_and_nothing_else_does() -> None:
    assert _lots(5) == _lots(5)
    assert _lots(5)["reasons"] != _lots(6)["reasons"]


def test_two_definitions_are_compared_over_the_same_lots() -> None:
    hook = [step("webhook_callback", "hook", **HOOK), mail("lost")]
    longer = [wait("pause", 2), *hook]
    models = {"calls": {"hook": [{"probability": 0.4, "status": 400}]}}
    answer = simulated(hook, people(500), other=longer, models=models)
    comparison = answer["comparison"]
    differences = {one["metric"]: (one["this"], one["other"], one["difference"]) for one in comparison["differences"]}
    failed = answer["totals"]["failed"]
    assert differences["totals.failed"] == (failed, failed, 0)
    assert differences["steps.hook.p50_seconds"] == (0, 2 * DAY, -2 * DAY)
    assert differences["steps.pause.entered"] == (None, 500, None)
    assert (comparison["other_path"], comparison["other_path_share"]) == (500, 1.0)
    same = simulated(hook, people(500), other=hook, models=models)["comparison"]
    assert same["other_path"] == 0
    assert not any(one["difference"] for one in same["differences"])


@pytest.mark.parametrize("what", Spent)
def test_it_stops_when_something_is_used_up(what: Spent) -> None:
    looks = 0

    def spent() -> Spent | None:
        nonlocal looks
        looks += 1
        return what if looks > 5 else None

    with pytest.raises(SimulationTooLargeError, match=what.value) as caught:
        simulate(job_of([wait("w", 1), mail()], people(1000)), spent)
    assert (looks, caught.value.spent) == (6, what)


def test_ways_beyond_what_is_kept_are_missing_in_paths_alone() -> None:
    paths = Paths(most=3)
    for number, ways in enumerate(("ab", "ac", "ad", "ab")):
        for index, way in enumerate(ways):
            paths.went(number, index, way, way)
    assert [paths.steps(paths.place[number]) for number in (0, 1, 3)] == [
        [(0, "a"), (1, "b")],
        [(0, "a"), (1, "c")],
        [(0, "a"), (1, "b")],
    ]
    assert (paths.place[2], len(set(paths.marks.values()))) == (UNTOLD, 3)


def _numbers(answers: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    return [answer["totals"][name] for answer in answers]


def test_every_contact_is_counted_once_whatever_the_horizon() -> None:
    answers = [
        simulated(BRANCHED, people(40), per_day=3, until=MONDAY + timedelta(days=days)) for days in (1, 4, 9, 20, 60)
    ]
    names = ("completed", "exited", "failed", "active", "not_started")
    assert all(sum(answer["totals"][name] for name in names) == 40 for answer in answers)
    assert _numbers(answers, "completed") == sorted(_numbers(answers, "completed"))
    for answer in answers:
        waiting = sum(one["waiting"] for one in answer["steps"])
        over = all(
            one["entered"] == one["completed"] + one["skipped"] + one["failed"] + one["waiting"]
            for one in answer["steps"]
        )
        assert (waiting, over) == (answer["totals"]["active"], True)
