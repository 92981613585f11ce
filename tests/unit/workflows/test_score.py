"""`score`: points, tier, and whether a contact is qualified."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.dry_run import dry_run
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import compile_graph
from drippulse.workflows.steps.score import ScoreConfig, ScoreStep, result
from tests.support.walks import NOW, TEMPLATES, condition, context, graph_of, step

RULES: list[dict[str, Any]] = [
    {"name": "Big", "conditions": [condition("company_size", "gte", 100)], "points": 40},
    {
        "name": "Fits",
        "match": "any",
        "conditions": [condition("industry", "equals", "saas"), condition("industry", "equals", "fintech")],
        "points": 35,
    },
    {"conditions": [condition("title", "contains", "head")], "points": 25},
    {"name": "Free mail", "conditions": [condition("email", "ends_with", "@gmail.com")], "points": -30},
]
TIERS = [{"name": "cold", "min": 0}, {"name": "hot", "min": 75}, {"name": "warm", "min": 40}]
CONFIG: dict[str, Any] = {"rules": RULES, "tiers": TIERS, "min_score_threshold": 0.72}


def scored(bag: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return ScoreStep().decide(ScoreConfig.model_validate({**CONFIG, **changes}), context(bag)).output


@pytest.mark.parametrize(
    ("bag", "points", "share", "tier", "qualified"),
    [
        ({"company_size": 120, "industry": "SaaS", "title": "Head of IT"}, 100, 1.0, "hot", True),
        ({"company_size": 120, "industry": "Fintech"}, 75, 0.75, "hot", True),
        ({"company_size": "120", "title": "head"}, 65, 0.65, "warm", False),
        ({"company_size": 120, "industry": "saas", "title": "head", "email": "a@gmail.com"}, 70, 0.7, "warm", False),
        ({"company_size": 100}, 40, 0.4, "warm", False),
        ({"title": "ahead"}, 25, 0.25, "cold", False),
        ({}, 0, 0.0, "cold", False),
        ({"email": "a@gmail.com"}, -30, 0.0, None, False),
    ],
)
def test_known_answers(bag: dict[str, Any], points: int, share: float, tier: str | None, qualified: bool) -> None:
    assert scored(bag) == {"score": points, "score_normalized": share, "tier": tier, "qualified": qualified}


def test_the_threshold_itself_is_enough() -> None:
    rules = [
        {"conditions": [condition("a", "exists")], "points": 72},
        {"conditions": [condition("b", "exists")], "points": 28},
    ]
    assert scored({"a": 1}, rules=rules, tiers=[])["qualified"] is True
    assert scored({"b": 1}, rules=rules, tiers=[])["qualified"] is False


def test_without_a_threshold_everybody_is_qualified() -> None:
    assert scored({}, min_score_threshold=None)["qualified"] is True
    assert scored({}, min_score_threshold=0)["qualified"] is True


def test_points_go_under_the_output_key_and_replace_what_was_there() -> None:
    assert scored({"fit": 3}, output_key="fit", tiers=[]) == {
        "fit": 0,
        "fit_normalized": 0.0,
        "tier": None,
        "qualified": False,
    }


def test_fractions_add_up_without_noise() -> None:
    rules = [{"conditions": [condition("x", "exists")], "points": points} for points in (0.1, 0.2)]
    assert scored({"x": 1}, rules=rules, tiers=[])["score"] == 0.3
    whole = [{"conditions": [condition("x", "exists")], "points": 1.5} for _ in range(2)]
    assert repr(scored({"x": 1}, rules=whole, tiers=[])["score"]) == "3"


POINTS = st.floats(-1_000_000, 1_000_000).map(lambda value: round(value, 3))


@given(st.lists(POINTS, min_size=1, max_size=10), st.data())
def test_the_share_is_between_0_and_1_and_more_points_are_never_worse(points: list[float], data: st.DataObject) -> None:
    rules = [{"conditions": [condition("x", "exists")], "points": each} for each in points]
    tiers = [{"name": str(floor), "min": floor} for floor in (-10, 0, 10, 1000)]
    config = ScoreConfig.model_validate({"rules": rules, "tiers": tiers, "min_score_threshold": 0.5})
    some = data.draw(st.lists(st.sampled_from(points), max_size=10))
    before = result(config, some)
    after = result(config, [*some, max(points)])
    assert 0 <= before["score_normalized"] <= 1
    assert before["score"] == pytest.approx(math.fsum(some), abs=1e-5)
    assert before["qualified"] is (before["score_normalized"] >= 0.5)
    if max(points) >= 0:
        assert after["score_normalized"] >= before["score_normalized"]
        assert after["qualified"] or not before["qualified"]
    best = result(config, [each for each in points if each > 0])
    assert best["score_normalized"] == (1.0 if any(each > 0 for each in points) else 0.0)


@given(
    st.dictionaries(
        st.sampled_from(["company_size", "industry", "title", "email"]), st.none() | st.integers() | st.text()
    )
)
def test_any_contact_gets_a_score(bag: dict[str, Any]) -> None:
    assert set(scored(bag)) == {"score", "score_normalized", "tier", "qualified"}


def test_the_dry_run_shows_each_rule_and_the_branch_sees_the_result() -> None:
    steps = [
        step("score", **CONFIG),
        step("branch", branches=[{"goto": "hot", "conditions": [condition("tier", "equals", "hot")]}]),
        step("exit", "cold", reason="cold"),
        step("log", "hot", message="{{ score }} {{ tier }}"),
    ]
    answer = dry_run(graph_of(*steps), now=NOW, templates=TEMPLATES, fixture_profile="demo")
    assert [each["id"] for each in answer["steps"]] == ["step_1", "step_2", "hot"]
    assert "Rule Big: +40 points" in answer["logs"]
    assert "100 of 100 points, tier hot" in answer["logs"]
    assert answer["logs"][-1] == "[info] 100 hot"


ONE: list[dict[str, Any]] = [{"conditions": [condition("x", "exists")], "points": 10}]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"rules": []}, "rules", "at least 1"),
    ({"rules": [{"conditions": [], "points": 1}]}, "rules.0.conditions", "at least 1"),
    ({"rules": [{"conditions": [condition("x", "exists")]}]}, "rules.0.points", "is missing"),
    ({"rules": [{**ONE[0], "points": "many"}]}, "rules.0.points", "number"),
    ({"rules": ONE, "min_score_threshold": 1.1}, "min_score_threshold", "1"),
    ({"rules": ONE, "min_score_threshold": 72}, "min_score_threshold", "1"),
    ({"rules": [{**ONE[0], "points": -1}], "min_score_threshold": 0.5}, "min_score_threshold", "no rule gives"),
    ({"rules": ONE, "output_key": "tier"}, "output_key", "another output"),
    ({"rules": ONE, "output_key": "my score"}, "output_key", "match"),
    ({"rules": ONE, "tiers": [{"name": "hot", "min": 11}]}, "tiers.0.min", "10 points at most"),
    ({"rules": ONE, "tiers": [{"name": "a", "min": 1}, {"name": "a", "min": 2}]}, "tiers.1.name", "another tier"),
    ({"rules": ONE, "tiers": [{"name": "a", "min": 1}, {"name": "b", "min": 1}]}, "tiers.1.min", "another tier"),
    ({"rules": ONE, "teirs": []}, "teirs", 'did you mean "tiers"?'),
]


@pytest.mark.parametrize(("config", "path", "words"), REFUSED)
def test_refused_at_save_with_the_place_named(config: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(InvalidStepGraphError) as caught:
        compile_graph([step("score", **config)])
    assert any(words in sentence for sentence in caught.value.errors[f"steps.0.config.{path}"])
