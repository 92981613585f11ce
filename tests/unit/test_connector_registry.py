"""Finding connectors: what is installed is there, and one broken package takes nothing down."""

import sys
from collections.abc import Generator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from drippulse.integrations.credentials import fields_of
from drippulse.integrations.providers import CONNECTION_FIELDS, PROVIDERS
from drippulse.integrations.registry import connector_problems, discover, known_providers, load_connectors, resolve
from tests.support.connections import AcmeConnector

GROUP = "drippulse.connectors"
ACME = EntryPoint("acme", "tests.support.connections:AcmeConnector", GROUP)
BROKEN = {
    "raises": ("raise RuntimeError('no such library')", "RuntimeError: no such library"),
    "leaves": ("raise SystemExit(3)", "SystemExit: 3"),
    "syntax": ("def (", "SyntaxError"),
    "lacks": ("", "AttributeError"),
    "alien": ("class Thing: ...", "is not a subclass"),
}


@pytest.fixture
def broken_packages(tmp_path: Path) -> Generator[list[EntryPoint]]:
    for name, (source, _) in BROKEN.items():
        (tmp_path / f"broken_{name}.py").write_text(source)
    sys.path.insert(0, str(tmp_path))
    yield [EntryPoint(name, f"broken_{name}:Thing", GROUP) for name in BROKEN]
    sys.path.remove(str(tmp_path))


def test_the_slack_package_is_found_by_its_entry_point() -> None:
    assert load_connectors()["slack"].name == "Slack"
    assert connector_problems() == ()


def test_broken_packages_are_reported_by_name_and_the_rest_works(broken_packages: list[EntryPoint]) -> None:
    found = discover([*broken_packages, ACME, EntryPoint("gone", "no_such_package:Thing", GROUP)])
    reasons = {problem.name: str(problem) for problem in found.problems}
    assert set(found.connectors) == {"acme"}
    assert set(reasons) == {*BROKEN, "gone"}
    for name, (_, reason) in BROKEN.items():
        assert reason in reasons[name]
        assert f"broken_{name}" in reasons[name]
    assert "ModuleNotFoundError" in reasons["gone"]


def test_of_two_packages_with_one_key_the_first_stays_and_the_other_is_reported() -> None:
    found = discover([ACME, ACME])
    assert found.connectors["acme"].description == AcmeConnector.description
    assert [problem.reason for problem in found.problems] == ["another package offers the same key."]


def test_an_entry_point_must_be_named_like_the_connector() -> None:
    found = discover([EntryPoint("emca", ACME.value, GROUP)])
    assert found.connectors == {}
    assert '"emca"' in found.problems[0].reason


@pytest.mark.parametrize(
    ("text", "provider"),
    [("gmail", "google_workspace"), (" SFDC ", "salesforce"), ("slack", "slack"), ("sg", "sendgrid"), ("acme", None)],
)
def test_aliases_are_resolved_in_any_case(text: str, provider: str | None) -> None:
    assert resolve(text) == provider


def test_every_documented_provider_has_fields() -> None:
    assert set(CONNECTION_FIELDS) == set(PROVIDERS)
    assert known_providers() == PROVIDERS


def test_the_installed_connector_says_which_fields_there_are() -> None:
    assert fields_of("acme", {"acme": AcmeConnector}) == ("api_key",)
    assert fields_of("slack", load_connectors()) == CONNECTION_FIELDS["slack"]
    assert fields_of("zendesk", {}) == ("subdomain", "email", "api_token")
