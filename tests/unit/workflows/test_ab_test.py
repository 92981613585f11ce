"""`ab_test`: a fair split, the same variant for the same contact, and as few moves as possible when weights change."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.dry_run import dry_run
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.graph import compile_graph
from drippulse.workflows.steps.ab_test import AbTestConfig, AbTestStep, Variant, choose, identity
from drippulse.workflows.steps.base import Advance
from tests.support.walks import NOW, TEMPLATES, context, graph_of, step

CONTACTS = 10_000


def variants(**weights: float) -> list[Variant]:
    return [Variant(id=name, weight=weight) for name, weight in weights.items()]


def chi_square(counts: Counter[str], options: list[Variant]) -> float:
    total = math.fsum(option.weight for option in options)
    expected = {option.id: CONTACTS * option.weight / total for option in options if option.weight}
    assert set(counts) <= set(expected)
    return sum((counts[name] - want) ** 2 / want for name, want in expected.items())


@pytest.mark.parametrize(
    ("options", "bound"),  # the value that chance exceeds once in 10,000 runs, by degrees of freedom
    [
        (variants(a=1, b=1), 15.14),
        (variants(a=50, b=30, c=20), 18.42),
        (variants(a=0.9, b=0.1), 15.14),
        (variants(a=1, off=0, b=2), 15.14),
        (variants(**{str(number): 1 for number in range(8)}), 29.88),
    ],
)
@pytest.mark.parametrize("workflow", [1, 2, 3])
def test_10_000_contacts_are_split_by_the_weights(options: list[Variant], bound: float, workflow: int) -> None:
    config = AbTestConfig(variants=options)
    counts: Counter[str] = Counter()
    for number in range(CONTACTS):
        ctx = context({"email": f"person{number}@example.com"})
        ctx.workflow_id = workflow
        counts[AbTestStep().decide(config, ctx).output["variant"]] += 1
    assert chi_square(counts, options) < bound


def test_the_bound_notices_an_unfair_split() -> None:
    assert chi_square(Counter(a=5_250, b=4_750), variants(a=1, b=1)) > 15.14


def test_two_tests_split_independently() -> None:
    options = variants(a=1, b=1)
    pairs = Counter((choose(options, f"3\0one\0{n}").id, choose(options, f"3\0two\0{n}").id) for n in range(CONTACTS))
    assert all(abs(count - CONTACTS / 4) < 200 for count in pairs.values())
    assert len(pairs) == 4


def variant_of(bag: dict[str, Any], enrollment: int = 7, **config: Any) -> str:
    ctx = context(bag)
    ctx.enrollment_id = enrollment
    found = AbTestConfig.model_validate(config or {"variants": [{"id": name} for name in "abcdefgh"]})
    return AbTestStep().decide(found, ctx).output["variant"]


@given(st.emails(), st.integers(1, 10**12), st.integers(1, 10**12))
def test_a_contact_gets_the_same_variant_in_every_enrollment(email: str, first: int, second: int) -> None:
    assert variant_of({"email": email}, first) == variant_of({"email": f" {email.upper().lower()} "}, second)
    assert variant_of({"lead_ref": email}, first) == variant_of({"lead_ref": email, "email": "x@y.zz"}, second)


def test_who_a_contact_is() -> None:
    assert identity({"lead_ref": " L1 ", "email": "A@B.c"}, 7) == "lead_ref:L1"
    assert identity({"lead_ref": 5, "email": "A@B.c"}, 7) == "lead_ref:5"
    assert identity({"lead_ref": "", "email": " A@B.c"}, 7) == "email:a@b.c"
    assert identity({"lead_ref": True, "email": ["a"]}, 7) == "enrollment:7"
    assert identity({}, 7) == "enrollment:7"


def test_workflow_step_and_contact_each_matter() -> None:
    config = AbTestConfig(variants=variants(a=1, b=1))
    choices = Counter[tuple[str, str, str]]()
    for number in range(1_000):
        ctx = context({"email": f"p{number}@example.com"})
        first, elsewhere, later = (
            AbTestStep().decide(config, replace(ctx, **change)).output["variant"]
            for change in ({}, {"workflow_id": 4}, {"step_id": "there"})
        )
        choices[first, elsewhere, later] += 1
    assert len(choices) == 8
    assert all(75 < count < 175 for count in choices.values())


def test_known_answers_never_change() -> None:
    """A change of the hash would move contacts that are under way."""
    options = variants(a=1, b=1, c=2)
    assert (
        "".join(choose(options, f"3\0here\0email:p{n}@example.com").id for n in range(24)) == "ccaabcabcacaaabbcbccbcba"
    )


@given(st.lists(st.floats(0, 1_000_000), min_size=1, max_size=20), st.text())
def test_any_weights_choose_a_variant_that_is_on(weights: list[float], seed: str) -> None:
    options = [Variant(id=str(index), weight=weight) for index, weight in enumerate(weights)]
    chosen = choose(options, seed)
    assert chosen in options
    assert chosen.weight > 0 or not any(weights)
    assert choose(list(reversed(options)), seed).id == chosen.id or not any(weights)


@given(st.text(), st.floats(1, 100))
def test_more_weight_only_wins_contacts(seed: str, more: float) -> None:
    before = choose(variants(a=1, b=1, c=1), seed).id
    assert choose(variants(a=1 + more, b=1, c=1), seed).id in ("a", before)
    assert choose(variants(a=1, b=1, c=1, d=more), seed).id in ("d", before)


def test_the_variant_goes_its_way_or_on_with_the_next_step() -> None:
    steps = [
        step("ab_test", "t", variants=[{"id": "a"}, {"id": "b", "goto": "z"}]),
        step("log", "y", message="x"),
        step("log", "z", message="{{ variant }}"),
    ]
    ways: set[tuple[str, ...]] = set()
    for number in range(20):
        answer = dry_run(graph_of(*steps), now=NOW, templates=TEMPLATES, payload={"email": f"p{number}@example.com"})
        variant = answer["sample_data"]["variant"]
        assert answer["logs"][0] == f"Variant {variant}"
        ways.add((variant, *(each["id"] for each in answer["steps"])))
    assert ways == {("a", "t", "y", "z"), ("b", "t", "z")}


def test_the_decision_has_the_variant_in_its_output() -> None:
    config = AbTestConfig(variants=[Variant(id="only", goto="x")])
    assert AbTestStep().decide(config, context()) == Advance(output={"variant": "only"}, to="x", logs=("Variant only",))


@pytest.mark.parametrize(
    ("given_variants", "path"),
    [
        ([], "variants"),
        ([{"id": "a", "weight": 0}, {"id": "b", "weight": 0}], "variants"),
        ([{"id": "a"}, {"id": "b", "weight": -1}], "variants.1.weight"),
        ([{"id": "a", "weight": "heavy"}], "variants.0.weight"),
        ([{"id": "a"}, {"id": "a"}], "variants.1.id"),
        ([{"weight": 1}], "variants.0.id"),
        ([{"id": "a", "goto": "nowhere"}], "variants.0.goto"),
        ([{"id": "a", "wieght": 2}], "variants.0.wieght"),
    ],
)
def test_refused_at_save_with_the_place_named(given_variants: list[Any], path: str) -> None:
    with pytest.raises(InvalidStepGraphError) as caught:
        compile_graph([step("ab_test", variants=given_variants)])
    assert f"steps.0.config.{path}" in caught.value.errors


def test_a_variant_that_is_turned_off_keeps_its_steps() -> None:
    off = [{"id": "a", "goto": "z"}, {"id": "b", "weight": 0, "goto": "y"}]
    compile_graph([step("ab_test", variants=off), step("exit", "y"), step("exit", "z")])
