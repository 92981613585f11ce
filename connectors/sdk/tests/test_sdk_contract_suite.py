"""The contract suite on the README's own connector, and planted bugs that it must find."""

import asyncio
import importlib.util
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

import drippulse_connector_sdk as sdk
from drippulse_connector_sdk import (
    ActionCall,
    ActionInput,
    ActionOutput,
    ApiKey,
    Connector,
    Idempotency,
    Rejected,
    action,
)
from drippulse_connector_sdk.testing import ConnectorContract, FakeProvider, Reply

README = Path(__file__).parents[1] / "README.md"
MODULE = "drippulse_connector_acme"
METADATA = "Metadata-Version: 2.1\nName: drippulse-connector-acme\nVersion: 0.1\n"


def _readme_connector() -> tuple[str, type[Connector]]:
    """The README's example, its source and its class, imported as the module that its entry point names."""
    source, *_others = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    spec = importlib.util.spec_from_loader(MODULE, loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    exec(compile(source, str(README), "exec"), module.__dict__)
    return source, module.__dict__["AcmeConnector"]


SOURCE, ACME = _readme_connector()


@pytest.fixture(autouse=True)
def acme_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real distribution on sys.path, with the README's entry point."""
    entry_point = re.search(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    assert entry_point is not None
    section = entry_point[1].replace('[project.entry-points."drippulse.connectors"]', f"[{sdk.ENTRY_POINT_GROUP}]")
    info = tmp_path / "drippulse_connector_acme-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(section.replace('"', ""))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


class TestReadmeConnector(ConnectorContract):
    connector_class = ACME
    sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]] = {"create_ticket": {"subject": "Hello"}}
    sample_replies: ClassVar[Mapping[str, Reply]] = {"create_ticket": Reply(201, {"id": 7})}


class PlainInput(ActionInput):
    text: str


class PlainOutput(ActionOutput):
    ok: bool = True


class Careless(Connector):
    """Every mistake in one place: see each action."""

    key = "careless"
    name = "Careless"
    description = "Does what a connector must not do."
    base_url = "https://careless.invalid"
    auth = ApiKey(header="X-Key")

    @action(name="a", title="A", description="Calls its own address.", idempotency=Idempotency.READ)
    async def wanders(self, call: ActionCall, data: PlainInput) -> PlainOutput:
        await self.send(call, "GET", f"{type(self).base_url}/{data.text}")
        return PlainOutput()

    @action(name="b", title="B", description="Ignores the status.", idempotency=Idempotency.READ)
    async def ignores(self, call: ActionCall, data: PlainInput) -> PlainOutput:
        await self.send(call, "GET", self.url(data.text))
        return PlainOutput()

    @action(name="c", title="C", description="Calls every failure a rejection.", idempotency=Idempotency.AT_MOST_ONCE)
    async def lumps(self, call: ActionCall, data: PlainInput) -> PlainOutput:
        response = await self.send(call, "POST", self.url(data.text))
        raise Rejected(f"no: {response.text[::-1]}")

    async def check(self, call: ActionCall) -> None:
        await self.send(call, "GET", self.url("me"))

    def __repr__(self) -> str:
        return f"Careless({dict(self.credentials)})"


class Planted(ConnectorContract):
    connector_class = Careless
    sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]] = {"a": {"text": "x"}, "b": {"text": "x"}, "d": {}}


@pytest.mark.parametrize(
    ("check", "arguments"),
    [
        ("test_failure_is_classified", ("a", "server_error")),  # it calls its own address
        ("test_failure_is_classified", ("b", "server_error")),
        ("test_failure_is_classified", ("b", "rate_limited")),
        ("test_repr_shows_no_secret", ()),
        ("test_connection_check_reports_refused_credentials", ()),
    ],
)
async def test_planted_bug_is_found(check: str, arguments: tuple[str, ...], fake_provider: FakeProvider) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        await getattr(Planted(), check)(*arguments, fake_provider)


async def test_planted_misclassification_is_found(fake_provider: FakeProvider) -> None:
    class Lumping(Planted):
        sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]] = {"c": {"text": "x"}}

    for failure in ("rate_limited", "unauthorized", "server_error"):
        with pytest.raises(AssertionError):
            await Lumping().test_failure_is_classified("c", failure, fake_provider)


def test_planted_mistakes_of_declaration_are_found() -> None:
    with pytest.raises(AssertionError, match="no installed package"):
        Planted().test_entry_point_is_installed_and_loads_the_class()
    with pytest.raises(AssertionError, match="lacks c"):
        Planted().test_action_accepts_its_sample("c")
    with pytest.raises(AssertionError, match="'d'"):
        Planted().test_samples_name_existing_actions()


def test_secret_in_an_error_is_found_where_nothing_blots_it_out(fake_provider: FakeProvider) -> None:
    class Unblotted(Connector):
        key = "unblotted"
        name = "Unblotted"
        description = "Raises from outside the SDK's guard."
        base_url = "https://unblotted.invalid"
        auth = ApiKey(header="X-Key")

        @action(name="c", title="C", description="Splits the secret.", idempotency=Idempotency.READ)
        async def splits(self, call: ActionCall, data: PlainInput) -> PlainOutput:
            del call, data
            raise Rejected("x", errors={"key": [self.credentials["api_key"]]})

        async def check(self, call: ActionCall) -> None:
            del call

        async def invoke(self, name: str, payload: Any, idempotency_key: str | None = None) -> Any:
            return await self.actions[name].handler(self, ActionCall(name, Idempotency.READ), payload)

    class Suite(ConnectorContract):
        connector_class = Unblotted
        sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]] = {"c": {"text": "x"}}

    with pytest.raises(AssertionError, match="secrets are told"):
        asyncio.run(Suite().test_errors_show_no_secret_even_when_the_provider_echoes_it("c", fake_provider))


def test_fake_provider_works_beside_a_running_loop_and_stops_with_open_connections() -> None:
    async def give_up(url: str) -> None:
        async with httpx.AsyncClient(timeout=0.1) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get(url)

    with FakeProvider(lambda request: Reply(hang=request.path == "/slow")) as provider:
        asyncio.run(give_up(f"{provider.url}/slow"))
        assert httpx.get(f"{provider.url}/fast?a=1&b=").json() == {}
    assert [(one.path, one.query) for one in provider.requests] == [("/slow", {}), ("/fast", {"a": "1", "b": ""})]


def test_public_face_is_complete_and_sorted() -> None:
    public = {name for name in vars(sdk) if name.isidentifier() and not name.startswith("_") and name != "testing"}
    assert public == set(sdk.__all__)
    assert sdk.ENTRY_POINT_GROUP == "drippulse.connectors"


def test_sdk_imports_without_pytest() -> None:
    code = f"import sys; sys.modules['pytest'] = None\n{SOURCE}\nassert '_pytest' not in sys.modules"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
