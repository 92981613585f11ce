"""A schema may not break what is released, unless that was announced with a day and the day has come."""

from datetime import date
from pathlib import Path

import pytest
from graphql import build_schema

from drippulse_server.contracts import unreleasable
from drippulse_server.failures import CommandFailure
from drippulse_server.schema_changes.announced import day_of, deprecations, without_due
from drippulse_server.schema_changes.compare import compare
from drippulse_server.schema_changes.files import HEADER, History

DAY, BEFORE, LATER = "2027-05-01", date(2027, 5, 1), date(2027, 5, 2)
OLD = f'@deprecated(reason: "Use title; goes after {DAY}.")'
PLAIN = """
interface Named { title: String }
enum Color { RED GREEN }
input Filter { color: Color, size: Int }
type Part { weight: Int }
type Query { thing(id: ID!, size: Int): Thing }
type Thing implements Named { title: String name: String color: Color part: Part }
"""
ANNOUNCED = (
    PLAIN.replace("name: String", f"name: String {OLD}")
    .replace("size: Int): ", f"size: Int {OLD}): ")
    .replace("GREEN", f"GREEN {OLD}")
    .replace("size: Int }", f"size: Int {OLD} }}")
    .replace("part: Part", f"part: Part {OLD}")
)
REMOVALS = {
    "Thing.name": (" name: String", ""),
    "Query.thing(size:)": (", size: Int)", ")"),
    "Color.GREEN": (" GREEN", ""),
    "Filter.size": (", size: Int }", " }"),
    "Part": ("type Part { weight: Int }\n", ""),
}


def without(name: str) -> str:
    after = PLAIN.replace(*REMOVALS[name])
    return after.replace(" part: Part", "") if name == "Part" else after


@pytest.mark.parametrize("name", REMOVALS)
def test_what_was_not_announced_may_not_go(name: str) -> None:
    changes = compare(PLAIN, without(name), LATER)
    assert name in " ".join(changes.refused)
    assert "deprecate it with a day first" in changes.problems[0]


@pytest.mark.parametrize("name", REMOVALS)
def test_what_was_announced_may_go_after_its_day_and_not_before(name: str) -> None:
    early, late = (compare(ANNOUNCED, without(name), today) for today in (BEFORE, LATER))
    assert name in " ".join(early.refused)
    assert early.problems != []
    assert (late.refused, late.problems) == ((), [])
    assert name in " ".join(late.removed)


def test_an_announcement_excuses_nothing_else() -> None:
    changed = (
        without("Thing.name").replace("title: String color", "title: Int color").replace("thing(id: ID!", "thing(")
    )
    changes = compare(ANNOUNCED, changed, LATER)
    assert any("title" in change for change in changes.refused)
    assert any("id" in change for change in changes.refused)
    assert all("Thing.name" not in change for change in changes.refused)


def test_a_type_that_something_else_leads_to_stays() -> None:
    both = ANNOUNCED.replace("type Query {", "type Query { part: Part")
    changes = compare(both, without("Part"), LATER)
    assert {"Part was removed", "Field Query.part was removed"} <= set(changes.refused)


def test_additions_deprecations_and_surprises_are_told_apart() -> None:
    after = ANNOUNCED.replace("RED", "RED BLUE").replace("weight: Int", "weight: Int unit: Unit")
    changes = compare(PLAIN, after + "type Unit { name(short: Boolean): String }", BEFORE)
    assert changes.problems == []
    assert changes.added == ("Color.BLUE", "Part.unit", "Unit")
    assert [line.partition(":")[0] for line in changes.deprecated if "thing(" not in line] == [
        "Color.GREEN",
        "Filter.size",
        "Thing.name",
        "Thing.part",
    ]
    assert any("BLUE" in change for change in changes.dangerous)


@pytest.mark.parametrize(
    ("reason", "day"),
    [
        ("Use title; goes after 2027-05-01.", date(2027, 5, 1)),
        ("goes after 2027-05-32", None),
        ("Use title.", None),
        ("goes on 2027-05-01", None),
        ("hereafter2027-05-01", None),
    ],
)
def test_the_day_of_a_reason(reason: str, day: date | None) -> None:
    assert day_of(reason) == day
    schema = PLAIN.replace("name: String", f'name: String @deprecated(reason: "{reason}")')
    undated = compare(PLAIN, schema, LATER).undated
    assert undated == (() if day else ("Thing.name",))


def test_what_is_due_is_taken_out_whole() -> None:
    kept = build_schema(without_due(ANNOUNCED, LATER))
    assert deprecations(kept) == []
    assert "Part" not in kept.type_map
    assert "Thing" in kept.type_map
    assert without_due(ANNOUNCED, BEFORE).count("@deprecated") == 5


def history(folder: Path, sdl: str = PLAIN) -> History:
    made = History(folder, folder)
    made.released_path.write_text(HEADER.format(version="1.2.0", day="2026-11-23") + sdl)
    made.page_path.write_text("<!-- released versions -->\n\n## 1.2.0, 2026-11-23\n\nThe first.\n")
    return made


def test_a_release_moves_what_is_new_below_its_version(tmp_path: Path) -> None:
    made = history(tmp_path)
    made.release("1.10.0", BEFORE, ANNOUNCED)
    page = made.page_path.read_text()
    assert made.version == "1.10.0"
    assert made.released_path.read_text().endswith(ANNOUNCED)
    assert page == made.page(BEFORE, ANNOUNCED)
    for part in ("| `Thing.name` | 2027-05-01 |", "## Since 1.10.0\n\nNothing.", f"## 1.10.0, {DAY}", "## 1.2.0, 2026"):
        assert part in page
    assert page.index("## 1.10.0") < page.index("## 1.2.0")
    assert f"Thing.name: Use title; goes after {DAY}." in page[page.index("## 1.10.0") :]


@pytest.mark.parametrize(
    ("version", "schema", "sentence"),
    [
        ("1.2.0", ANNOUNCED, "no version after 1.2.0"),
        ("1.1.9", ANNOUNCED, "no version after 1.2.0"),
        ("2", ANNOUNCED, "no version after 1.2.0"),
        ("2.0.0", without("Thing.name"), "Thing.name was removed: deprecate it"),
        ("2.0.0", PLAIN.replace("name: String", "name: String @deprecated"), "is deprecated without a day"),
    ],
)
def test_what_may_not_be_released_changes_nothing(version: str, schema: str, sentence: str, tmp_path: Path) -> None:
    made = history(tmp_path)
    before = made.released_path.read_text(), made.page_path.read_text()
    with pytest.raises(CommandFailure, match=sentence.replace(".", r"\.")):
        made.release(version, LATER, schema)
    assert (made.released_path.read_text(), made.page_path.read_text()) == before


def test_without_a_released_schema_the_lint_fails_and_the_first_is_made(tmp_path: Path) -> None:
    made = History(tmp_path, tmp_path)
    assert "release VERSION" in made.problems(BEFORE)[0]
    assert "## Since 0.0.0" in made.page(BEFORE, PLAIN)
    made.release("0.1.0", BEFORE, PLAIN)
    assert made.version == "0.1.0"
    assert made.page_path.read_text() == made.page(BEFORE, PLAIN)
    assert f"## 0.1.0, {DAY}\n\nThe first version" in made.page_path.read_text()


def test_the_present_schema_breaks_nobody() -> None:
    assert unreleasable() == []
