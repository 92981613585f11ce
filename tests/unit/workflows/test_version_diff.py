"""What differs between two versions."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drippulse.workflows.publishing.diff import diff_versions, moved_ids

IDS = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("xy.", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("pq.", min_size=1, max_size=2), inner),
    max_leaves=8,
)
CONFIGS = st.dictionaries(st.text("pq.", min_size=1, max_size=2), VALUES, max_size=3)
HOOK = {"url": "https://x.org", "secret": "whsec_one", "headers": {"authorization": "Bearer one"}}


def steps(ids: list[str], configs: dict[str, dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    return [
        {"id": key, "type": "log", "name": key, "position": place, "config": (configs or {}).get(key, {"message": key})}
        for place, key in enumerate(ids)
    ]


def hook(**changes: Any) -> list[dict[str, Any]]:
    return [{**steps(["hook"])[0], "type": "webhook_callback", "config": {**HOOK, **changes}}]


def diff(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> dict[str, Any]:
    return diff_versions(old, new, {}, {})


@given(IDS, IDS)
def test_every_step_is_in_its_place_of_the_diff(old: list[str], new: list[str]) -> None:
    found = diff(steps(old), steps(new))
    assert {step["id"] for step in found["added"]} == set(new) - set(old)
    assert {step["id"] for step in found["removed"]} == set(old) - set(new)
    assert found["changed"] == []
    assert found["same"] == (old == new)


@given(IDS, IDS)
def test_without_the_moved_ones_both_have_one_order(old: list[str], new: list[str]) -> None:
    moved = set(moved_ids(old, new))
    common = set(old) & set(new) - moved
    assert [key for key in old if key in common] == [key for key in new if key in common]


@given(st.permutations("abcdef"), st.sampled_from("abcdef"), st.integers(0, 5))
def test_one_step_that_moved_is_one_move(order: list[str], step: str, place: int) -> None:
    new = [key for key in order if key != step]
    new.insert(place, step)
    assert len(moved_ids(order, new)) == (order != new)


@given(CONFIGS, CONFIGS)
def test_a_change_is_named_where_and_only_where_values_differ(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = diff(steps(["a"], {"a": old}), steps(["a"], {"a": new}))
    alike = repr(_sorted(old)) == repr(_sorted(new))
    assert found["same"] == alike
    for change in (change for step in found["changed"] for change in step["fields"]):
        assert repr(change["before"]) != repr(change["after"]) or None in (change["before"], change["after"])


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted(((key, _sorted(item)) for key, item in value.items()), key=lambda pair: pair[0])  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType, reportUnknownLambdaType, reportUnknownMemberType] - JSON
    return [_sorted(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType] - JSON


def test_fields_have_paths_and_both_values() -> None:
    [changed] = diff(steps(["a"], {"a": {"x": [1, {"y": 1}]}}), steps(["a"], {"a": {"x": [1, {"y": True}], "z": 2}}))[
        "changed"
    ]
    assert changed["fields"] == [
        {"path": "config.x.1.y", "before": 1, "after": True},
        {"path": "config.z", "before": None, "after": 2},
    ]


def test_a_secret_that_changed_is_named_and_not_shown() -> None:
    found = diff(hook(), hook(secret="whsec_two", headers={"authorization": "Bearer two"}))
    paths = {field["path"]: (field["before"], field["after"]) for field in found["changed"][0]["fields"]}
    assert paths["config.secret"] == ("********", "********")
    assert "whsec" not in repr(found)
    assert "Bearer" not in repr(found)
    assert diff(hook(), hook())["same"]


def test_settings_are_compared_too() -> None:
    found = diff_versions([], [], {"re_entry": {"mode": "never"}}, {"re_entry": {"mode": "always"}})
    assert found["settings"] == [{"path": "settings.re_entry.mode", "before": "never", "after": "always"}]
