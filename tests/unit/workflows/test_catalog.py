"""The step type catalog describes every type from its own model; a type is one file."""

from pathlib import Path

import jsonschema

from drippulse.integrations.providers import ALIASES, PROVIDERS, resolve_provider
from drippulse.workflows import steps
from drippulse.workflows.catalog import step_types
from drippulse.workflows.steps.registry import all_types, find

STEP_TYPES = {
    "trigger",
    "wait",
    "filter",
    "branch",
    "set_fields",
    "crm",
    "email",
    "webhook_callback",
    "alert",
    "integration_action",
    "log",
    "exit",
    "wait_until",
    "goto",
    "ab_test",
    "score",
    "agent",
    "approval",
    "enroll",
    "webhook",
    "wait_for_event",
}


def test_every_step_type_of_the_release_is_found_each_in_a_file_of_its_name() -> None:
    assert set(all_types()) == STEP_TYPES
    folder = Path(steps.__path__[0])
    assert all((folder / f"{name}.py").is_file() for name in all_types())
    assert find("nonsense") is None


def test_the_catalog_is_complete_and_its_schemas_are_valid() -> None:
    catalog = step_types()
    assert catalog["total_count"] == len(STEP_TYPES)
    for described in catalog["step_types"]:
        jsonschema.Draft202012Validator.check_schema(described["config_schema"])
        assert {field["name"] for field in described["fields"]} == set(described["config_schema"]["properties"])
        assert all(field["help"].strip() for field in described["fields"])
        assert all(described[key] for key in ("label", "category", "description", "guarantee", "test_behaviour"))


def test_fields_tell_type_default_and_whether_they_are_required() -> None:
    wait = next(each for each in step_types()["step_types"] if each["type"] == "wait")
    fields = {field["name"]: (field["type"], field["required"], field["default"]) for field in wait["fields"]}
    assert fields == {
        "duration": ("number", True, None),
        "unit": ("enum", True, None),
        "jitter_minutes": ("integer", False, 0),
        "business_days_only": ("boolean", False, False),
    }


def test_every_nested_field_has_a_description() -> None:
    for described in step_types()["step_types"]:
        for definition in described["config_schema"].get("$defs", {}).values():
            assert all("description" in shape for shape in definition.get("properties", {}).values())


def test_aliases_resolve_to_providers() -> None:
    assert all(resolve_provider(alias) in PROVIDERS for alias in ALIASES)
    assert resolve_provider(" GMail ") == "google_workspace"
    assert resolve_provider("mailgun") is None
