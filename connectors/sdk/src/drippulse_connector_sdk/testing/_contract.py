"""The contract every connector keeps, as a test class to inherit."""
# ruff: noqa: S101 -- asserting is what this file is for

import re
import traceback
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, ClassVar

import httpx
import pytest

from drippulse_connector_sdk._actions import ACTION_NAME, ActionCall, Idempotency
from drippulse_connector_sdk._connector import CONNECTOR_KEY, ENTRY_POINT_GROUP, Connector
from drippulse_connector_sdk._errors import (
    AuthenticationFailed,
    ConnectorError,
    InvalidCredentials,
    InvalidInput,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    RetriableError,
    UnsupportedAction,
)
from drippulse_connector_sdk.testing._samples import canary_credentials
from drippulse_connector_sdk.testing._server import FakeProvider, Reply

READ_TIMEOUT = 0.3
RETRY_AFTER = 7
IDEMPOTENCY_KEY = "contract-key-1"
FAILURES = {
    "rate_limited": Reply(429, {}, {"Retry-After": str(RETRY_AFTER)}),
    "server_error": Reply(500, {}),
    "unauthorized": Reply(401, {}),
    "hanging": Reply(hang=True),
    "dropped": Reply(drop=True),
}
_NO_FIELD = "no_such_field_in_any_action"


class ConnectorContract:
    """Inherit it in a class named `Test…`; set `connector_class` and `sample_payloads`.

    Attributes:
        sample_payloads: action name -> a payload that it accepts, for every action.
        sample_replies: action name -> what the provider answers when all is well; such actions are run to the end.
        sample_credentials: only for a connector that refuses made-up values (see `canary_credentials`).
        action_names: the actions to run, when the sample credentials do not serve all of them; default: all.
    """

    connector_class: ClassVar[type[Connector]]
    sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]]
    sample_replies: ClassVar[Mapping[str, Reply]] = {}
    sample_credentials: ClassVar[Mapping[str, str]] = {}
    action_names: ClassVar[tuple[str, ...]] = ()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each action, and for each way to fail."""
        if "action_name" in metafunc.fixturenames:
            metafunc.parametrize("action_name", list(self.action_names or self.connector_class.actions))
        if "failure" in metafunc.fixturenames:
            metafunc.parametrize("failure", list(FAILURES))

    def credentials(self) -> dict[str, str]:
        return dict(self.sample_credentials or canary_credentials(self.connector_class))

    def secrets(self) -> list[str]:
        """The secret values of the sample credentials, and of secret URLs their path."""
        made = self.credentials()
        fields = [one for one in self.connector_class.credential_fields() if one.secret and one.name in made]
        paths = [httpx.URL(made[one.name]).path for one in fields if one.url]
        return [made[one.name] for one in fields] + paths

    def client(self, allowed: str) -> httpx.AsyncClient:
        """A client that fails the test when the connector calls anything but `allowed`."""

        async def guard(request: httpx.Request) -> None:
            assert str(request.url).startswith(f"{allowed}/"), "the connector called an address of its own"

        timeout = httpx.Timeout(10, read=READ_TIMEOUT)
        return httpx.AsyncClient(timeout=timeout, trust_env=False, event_hooks={"request": [guard]})

    def connector(self, http: httpx.AsyncClient, provider: FakeProvider) -> Connector:
        return self.connector_class(self.credentials(), http, base_url=provider.url)

    def test_entry_point_is_installed_and_loads_the_class(self) -> None:
        key = self.connector_class.key
        found = [one for one in entry_points(group=ENTRY_POINT_GROUP) if one.name == key]
        assert found, f"no installed package offers {key} in the entry point group {ENTRY_POINT_GROUP}"
        assert all(one.load() is self.connector_class for one in found), f"the entry point {key} loads something else"

    def test_key_and_aliases_are_well_formed(self) -> None:
        names = (self.connector_class.key, *self.connector_class.aliases)
        assert all(CONNECTOR_KEY.fullmatch(name) for name in names), names
        assert len(set(names)) == len(names), f"a name appears twice in {names}"

    def test_connector_describes_itself(self) -> None:
        assert self.connector_class.name.strip()
        assert self.connector_class.description.strip()
        assert self.connector_class.actions, "a connector without actions does nothing"

    def test_credential_fields_are_described(self) -> None:
        fields = self.connector_class.credential_fields()
        assert len({one.name for one in fields}) == len(fields), "a field appears twice"
        assert all(one.help.strip() for one in fields), "every field needs a help text"

    def test_action_is_described(self, action_name: str) -> None:
        action = self.connector_class.actions[action_name]
        assert ACTION_NAME.fullmatch(action.name)
        assert action.title.strip()
        assert action.description.strip()
        assert action.input_schema["type"] == action.output_schema["type"] == "object"
        assert action.input_schema["additionalProperties"] is False

    def test_action_accepts_its_sample(self, action_name: str) -> None:
        assert action_name in self.sample_payloads, f"sample_payloads lacks {action_name}"
        self.connector_class.actions[action_name].parse(self.sample_payloads[action_name])

    def test_samples_name_existing_actions(self) -> None:
        strangers = {*self.sample_payloads, *self.sample_replies} - set(self.connector_class.actions)
        assert not strangers, f"samples for actions that do not exist: {strangers}"

    @pytest.mark.asyncio
    async def test_repr_shows_no_secret(self, fake_provider: FakeProvider) -> None:
        async with self.client(fake_provider.url) as http:
            connector = self.connector(http, fake_provider)
            _assert_clean(f"{connector!r} {connector} {connector.credentials!r} {vars(connector)!r}", self.secrets())

    @pytest.mark.asyncio
    async def test_missing_and_unknown_credentials_are_refused(self, fake_provider: FakeProvider) -> None:
        async with self.client(fake_provider.url) as http:
            with pytest.raises(InvalidCredentials) as missing:
                self.connector_class({}, http, base_url=fake_provider.url)
            with pytest.raises(InvalidCredentials) as unknown:
                self.connector_class({**self.credentials(), _NO_FIELD: "x"}, http, base_url=fake_provider.url)
        assert missing.value.errors
        assert _NO_FIELD in unknown.value.errors
        _assert_clean(_everything_told(unknown.value), self.secrets())

    @pytest.mark.asyncio
    async def test_unknown_action_is_refused(self, fake_provider: FakeProvider) -> None:
        async with self.client(fake_provider.url) as http:
            with pytest.raises(UnsupportedAction):
                await self.connector(http, fake_provider).invoke("no_such_action", {})
        assert fake_provider.requests == []

    @pytest.mark.asyncio
    async def test_bad_input_is_refused_before_anything_is_sent(
        self, action_name: str, fake_provider: FakeProvider
    ) -> None:
        payload = {**self.sample_payloads[action_name], _NO_FIELD: 1}
        async with self.client(fake_provider.url) as http:
            with pytest.raises(InvalidInput) as caught:
                await self.connector(http, fake_provider).invoke(action_name, payload)
        assert _NO_FIELD in caught.value.errors
        assert fake_provider.requests == []

    @pytest.mark.asyncio
    async def test_failure_is_classified(self, action_name: str, failure: str, fake_provider: FakeProvider) -> None:
        fake_provider.reply_with(FAILURES[failure])
        error = await self.failing_call(action_name, fake_provider)
        assert fake_provider.requests, "no request reached the overridden base URL"
        self.check_classified(action_name, failure, error)

    @pytest.mark.asyncio
    async def test_unreachable_provider_is_retriable(self, action_name: str) -> None:
        with FakeProvider() as gone:
            pass
        error = await self.failing_call(action_name, gone)
        assert isinstance(error, ProviderUnavailable), f"nothing was sent, yet {action_name} raised {error!r}"

    @pytest.mark.asyncio
    async def test_errors_show_no_secret_even_when_the_provider_echoes_it(
        self, action_name: str, fake_provider: FakeProvider
    ) -> None:
        for status in (400, 404, 500):
            fake_provider.reply_with(_echo(status, self.secrets()))
            error = await self.failing_call(action_name, fake_provider)
            _assert_clean(_everything_told(error), self.secrets())

    @pytest.mark.asyncio
    async def test_sample_reply_becomes_a_valid_result(self, action_name: str, fake_provider: FakeProvider) -> None:
        if action_name not in self.sample_replies:
            pytest.skip(f"sample_replies has nothing for {action_name}")
        fake_provider.reply_with(self.sample_replies[action_name])
        async with self.client(fake_provider.url) as http:
            connector = self.connector(http, fake_provider)
            result = await connector.invoke(action_name, self.sample_payloads[action_name], IDEMPOTENCY_KEY)
        self.connector_class.actions[action_name].output_model.model_validate(result.output)

    @pytest.mark.asyncio
    async def test_connection_check_reports_refused_credentials(self, fake_provider: FakeProvider) -> None:
        fake_provider.reply_with(FAILURES["unauthorized"])
        async with self.client(fake_provider.url) as http:
            connector = self.connector(http, fake_provider)
            try:
                await connector.test_connection()
            except AuthenticationFailed as error:
                _assert_clean(_everything_told(error), self.secrets())
            else:
                assert fake_provider.requests == [], "the provider said 401 and test_connection was content"

    async def failing_call(self, action_name: str, provider: FakeProvider) -> ConnectorError:
        """The error that the action's sample raises with the provider as it is."""
        async with self.client(provider.url) as http:
            with pytest.raises(ConnectorError) as caught:
                await self.connector(http, provider).invoke(
                    action_name, self.sample_payloads[action_name], IDEMPOTENCY_KEY
                )
        return caught.value

    def check_classified(self, action_name: str, failure: str, error: ConnectorError) -> None:
        """Fail unless `error` is the class that the failure and the action's idempotency call for."""
        if failure == "rate_limited":
            assert isinstance(error, RateLimited), repr(error)
            assert error.retry_after == RETRY_AFTER
        elif failure == "unauthorized":
            assert isinstance(error, AuthenticationFailed), repr(error)
            assert error.needs_reauth
        else:
            idempotency: Idempotency = self.connector_class.actions[action_name].idempotency
            repeatable = ActionCall(action_name, idempotency, IDEMPOTENCY_KEY).repeatable
            expected = RetriableError if repeatable else OutcomeUnknown
            assert isinstance(error, expected), f"{idempotency}: {error!r} is not {expected.__name__}"


def _echo(status: int, secrets: list[str]) -> Reply:
    """An answer with the secrets in every place that a careless connector may quote."""
    text = " ".join(secrets)
    return Reply(status, {"ok": False, "error": text, "message": text, "errors": [text]}, {"X-Error": text})


def _everything_told(error: ConnectorError) -> str:
    """Every text that a log, a timeline or an API answer may take from the error, its traceback included."""
    attributes = f"{error.message} {error.code} {error.provider_code} {error.errors} {error.args}"
    return f"{attributes} {error!r} {error} {''.join(traceback.format_exception(error))}"


def _assert_clean(text: str, secrets: list[str]) -> None:
    told = [re.sub(r"(?<=.{6}).", "*", secret) for secret in secrets if secret in text]
    assert not told, f"secrets are told: {told}"
