"""Liquid: names, escaping, limits, and what counts as missing."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.errors import TemplateRenderError
from drippulse.workflows.liquid_sandbox import make_environment, work_together
from drippulse.workflows.quick_templates import quick_parts
from drippulse.workflows.templates import MAX_SOURCE_CHARACTERS, Templates
from tests.support.walks import NOW, TEMPLATES

ADA = {"email": "ada@example.com", "first_name": "Ada", "last_name": "<b>Lovelace</b>", "plan": "pro"}

SIMPLE_VALUES = st.sampled_from(["", "<&>", True, False, None, 0, 1.5, {"y": "<i>"}, {"y": {"z": 1}}, []])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hi {{ first_name }}", "Hi Ada"),
        ("{{ contact.email }}", "ada@example.com"),
        ("{{ contact.name }}", "Ada <b>Lovelace</b>"),
        ("{{ contact.attributes.plan }}", "pro"),
        ('{{ contact.attributes.x | default: "there" }}', "there"),
        ("{{ vars.hook }}", ""),
        ("{{ 'now' | date: '%Y-%m-%d' }} {{ now | date: '%H:%M' }}", "2026-03-02 12:00"),
        ("{{ '2026-03-02T23:30:00-05:00' | date: '%d' }}", "02"),
        ("{{ 0 | date: '%Y' }}", "1970"),
        ("{% if plan == 'pro' %}yes{% endif %}", "yes"),
        ("{{ plan | json }}", '"pro"'),
        ("no template { at } all", "no template { at } all"),
    ],
)
def test_renders_the_names_of_the_contract(source: str, expected: str) -> None:
    assert TEMPLATES.render(source, ADA) == expected


def test_contact_and_vars_of_the_bag_win() -> None:
    bag = {**ADA, "contact": {"email": "own@example.com"}, "vars": {"hook": "your launch"}}
    assert TEMPLATES.render("{{ contact.email }} {{ vars.hook }}", bag) == "own@example.com your launch"


def test_html_bodies_escape_every_value_and_text_bodies_none() -> None:
    assert TEMPLATES.render_html("<p>{{ last_name }}</p>", ADA) == "<p>&lt;b&gt;Lovelace&lt;/b&gt;</p>"
    assert TEMPLATES.render("{{ last_name }}", ADA) == "<b>Lovelace</b>"
    assert TEMPLATES.render_html("{{ last_name | safe }}", ADA) == "<b>Lovelace</b>"


@given(st.text())
def test_html_escaping_leaves_no_markup_from_values(value: str) -> None:
    rendered = TEMPLATES.render_html("{{ x }}{{ x | upcase }}{{ x | append: x }}", {"x": value})
    assert not {"<", ">", '"', "'"} & set(rendered)


def test_missing_variables_are_recorded_once_in_order_as_written() -> None:
    with TEMPLATES.recording() as missing:
        TEMPLATES.render("{{ vars.hook }} {{ first_name }} {{ nick | upcase }} {{ vars.hook }}", ADA)
        TEMPLATES.render_html("{{ contact.attributes.team }}", ADA)
    assert list(missing) == ["vars.hook", "nick", "contact.attributes.team"]


def test_a_default_a_test_and_an_empty_value_are_not_missing() -> None:
    with TEMPLATES.recording() as missing:
        TEMPLATES.render('{{ x | default: "there" }}{% if y %}{% endif %}{{ z }}', {"z": None})
    assert not missing


def test_nothing_is_recorded_outside_of_recording() -> None:
    with TEMPLATES.recording() as missing:
        pass
    TEMPLATES.render("{{ nick }}", {})
    assert not missing


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ x", "line 1: expected '}}'"),
        ("a\nb {% endfor %}", "line 2: unexpected tag 'endfor'"),
        ("{% include 'secrets' %}", "unexpected tag 'include'"),
        ("{% render 'secrets' %}", "unexpected tag 'render'"),
        ("\n{{ x | upcas }}", "line 2: unknown filter 'upcas'. Did you mean \"upcase\"?"),
        ("{{ x }}" + "a" * MAX_SOURCE_CHARACTERS, "at most"),
        ("{% if a %}" * 40 + "{% endif %}" * 40, "nest"),
    ],
)
def test_a_template_that_does_not_parse_says_why(source: str, message: str) -> None:
    assert message in (TEMPLATES.parse_error(source) or "")


def test_a_template_that_parses_has_no_error() -> None:
    assert TEMPLATES.parse_error('{{ a | default: "b" }}{% for i in (1..3) %}{{ i }}{% endfor %}') is None


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..99999999999) reversed %}{% endfor %}",
        "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}",
        "{% for i in (1..9000) %}{% endfor %}{% for i in (1..9000) %}{% endfor %}",
        "{% tablerow i in (1..99999999999) %}{% endtablerow %}",
        "{{ (1..99999999999) | join: ',' }}",
        "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..60) %}{% assign a = a | append: a %}{% endfor %}",
        "{% for i in (1..60) %}{% assign x = x | default: 9 | times: x | plus: 99999 %}{% endfor %}{{ x }}",
        "{{ big | replace: 'a', big }}",
        "{{ big | split: '' | join: big }}",
        "{% for i in (1..30) %}{{ big }}{% endfor %}",
        "{% for i in (1..9999) %}" + "{{ nothing }}" * 400 + "{% endfor %}",
        "{% tablerow i in (1..9999) %}" + "{% if a and b and c and d %}{% endif %}" * 100 + "{% endtablerow %}",
        "{% for i in (1..9999) %}{{ big | upcase | downcase | size }}{% endfor %}",
        "{% for i in (1..9999) %}{% assign x = long | json | size %}{% endfor %}",
        "{% assign x = 9 %}{% for i in (1..30) %}{% assign x = x | times: x %}{% endfor %}{{ x | size }}",
    ],
)
def test_what_would_eat_the_machine_is_refused(source: str) -> None:
    began = time.thread_time()
    with pytest.raises(TemplateRenderError):
        TEMPLATES.render(source, {"big": "a" * 100_000, "long": ["a" * 100] * 1000})
    assert time.thread_time() - began < 2


def test_renderings_together_share_one_allowance() -> None:
    source = "{% for i in (1..100) %}" + "{{ nothing }}" * 100 + "{% endfor %}"
    with work_together():
        failed = [isinstance(error_of(source), TemplateRenderError) for _ in range(100)]
    assert failed == sorted(failed)
    assert 10 < failed.count(False) < 90
    assert error_of(source) is None


def error_of(source: str) -> TemplateRenderError | None:
    try:
        TEMPLATES.render(source, ADA)
    except TemplateRenderError as error:
        return error
    return None


def test_a_long_table_is_rendered() -> None:
    rows = [{"name": f"item {number}", "price": number} for number in range(500)]
    source = (
        "{% for row in rows %}<tr><td>{{ row.name | escape }}</td><td>{{ row.price | times: 2 }}</td></tr>{% endfor %}"
    )
    assert TEMPLATES.render(source, {"rows": rows}).count("<tr>") == 500


@pytest.mark.parametrize(
    "source", ["{{ 1 | divided_by: 0 }}", "{% break %}", "{{ x | nope }}", "{{ first_name | date: 5, 6 }}"]
)
def test_a_run_time_error_is_a_domain_error_with_a_sentence(source: str) -> None:
    with pytest.raises(TemplateRenderError, match="failed on this contact's data"):
        TEMPLATES.render(source, ADA)


def test_rendering_cannot_reach_python() -> None:
    for path in ("first_name.__class__", "contact.__init__.__globals__", "first_name.upper"):
        assert TEMPLATES.render("{{ " + path + " }}", ADA) == ""


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=6))
def test_any_bag_renders_or_fails_as_a_template_error(bag: dict[str, object]) -> None:
    source = "{{ x }}{{ x.y[0] }}{{ contact.name }}{% for i in x %}{{ i | upcase }}{% endfor %}{{ x | date: '%Y' }}"
    for data in (bag, {"x": bag}, *({"x": value} for value in bag.values())):
        with suppress(TemplateRenderError):
            assert isinstance(TEMPLATES.render(source, data), str)


def test_the_same_template_renders_with_another_bag() -> None:
    assert [TEMPLATES.render("{{ x }}", {"x": n}) for n in range(3)] == ["0", "1", "2"]


def test_the_clock_is_a_parameter() -> None:
    other = Templates(clock=lambda: datetime(1999, 12, 31, tzinfo=UTC))
    assert other.render("{{ today }} {{ 'now' | date: '%Y' }}", {}) == "1999-12-31 1999"


SIMPLE = [
    "Hi {{ x }}, {{ x.y }} {{- y -}} {{ contact.name }}!",
    "{{ x | default: '<there>' }} {{ x.y | default: \"b\" }}",
    "{{ contact.attributes.x }} {{ email }} {{ now }} {{ first_name.y.z }}",
    "{{ x | default: allow_false: 'z' }}{{ x | default: y }}{{ x['y'] }}{{ x[0] }}{{ 'literal' }}",
]


@given(st.dictionaries(st.sampled_from(["x", "y", "email", "first_name", "contact"]), JSON_VALUES | SIMPLE_VALUES))
def test_the_quick_way_renders_what_liquid_renders(bag: dict[str, object]) -> None:
    """A trailing empty block takes the quick way out of the question and renders nothing itself."""
    slowly = "{% if true %}{% endif %}"
    for source in SIMPLE:
        for render in (TEMPLATES.render, TEMPLATES.render_html):
            with TEMPLATES.recording() as missing:
                quick = outcome(render, source, bag)
            with TEMPLATES.recording() as missing_slowly:
                assert outcome(render, source + slowly, bag) == quick
            assert list(missing) == list(missing_slowly)


def outcome(render: Callable[[str, Mapping[str, object]], str], source: str, bag: Mapping[str, object]) -> str:
    try:
        return render(source, bag)
    except TemplateRenderError as error:
        return repr(error)


def test_simple_templates_take_the_quick_way_and_others_do_not() -> None:
    environment = make_environment(autoescape=False, clock=lambda: NOW)
    assert quick_parts(environment.from_string("Hi {{ a.b | default: 'x' }}")) is not None
    for other in ("{% if a %}{% endif %}", "{{ a | upcase }}", "{{ a[0] }}", "{{ a.size }}", "{{ a | default: b }}"):
        assert quick_parts(environment.from_string(other)) is None
