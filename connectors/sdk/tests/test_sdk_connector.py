"""Declaring a connector and invoking its actions."""

from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from drippulse_connector_sdk import (
    ActionCall,
    ActionInput,
    ActionOutput,
    BearerToken,
    Connector,
    Idempotency,
    InvalidInput,
    OutcomeUnknown,
    ProviderUnavailable,
    Rejected,
    UnsupportedAction,
    action,
    json_object,
)
from drippulse_connector_sdk.testing import FakeProvider, Reply

TOKEN = "canary-token"  # a planted secret


class Note(ActionInput):
    text: str
    stars: int = 1


class Saved(ActionOutput):
    id: int


class Base(Connector):
    key = "notes"
    name = "Notes"
    description = "Keeps notes."
    base_url = "https://notes.invalid/api"
    auth = BearerToken()

    async def check(self, call: ActionCall) -> None:
        await self.send(call, "GET", self.url("me"))


class Notes(Base):
    @action(name="save", title="Save", description="Saves a note.", idempotency=Idempotency.AT_MOST_ONCE)
    async def save(self, call: ActionCall, note: Note) -> Saved:
        response = await self.send(call, "POST", self.url("/notes"), json=note.model_dump())
        return Saved.model_validate(json_object(response, repeatable=call.repeatable))

    @action(name="save_once", title="Save once", description="Saves, keyed.", idempotency=Idempotency.KEYED)
    async def save_once(self, call: ActionCall, note: Note) -> Saved:
        return await self.save(call, note)

    @action(name="leak", title="Leak", description="Raises what it should not.", idempotency=Idempotency.READ)
    async def leak(self, call: ActionCall, note: Note) -> Saved:
        del call
        try:
            raise ValueError(note.text)
        except ValueError:
            raise Rejected(f"refused with {self.credentials['access_token']}") from None


def _notes(http: httpx.AsyncClient, provider: FakeProvider) -> Notes:
    return Notes({"access_token": TOKEN}, http, base_url=f"{provider.url}/v2/")


def test_actions_are_collected_with_their_schemas() -> None:
    save = Notes.actions["save"]
    assert list(Notes.actions) == ["save", "save_once", "leak"]
    assert save.idempotency is Idempotency.AT_MOST_ONCE
    assert save.input_schema["required"] == ["text"]
    assert save.input_schema["additionalProperties"] is False
    assert save.output_schema["properties"]["id"]["type"] == "integer"


def test_subclass_inherits_and_overrides_actions() -> None:
    class Other(Notes):
        key = "other"

        @action(name="save", title="Store", description="Stores.", idempotency=Idempotency.UPSERT)
        async def save(self, call: ActionCall, note: Note) -> Saved:
            return await super().save(call, note)

    assert Other.actions["save"].title == "Store"
    assert set(Other.actions) == set(Notes.actions)
    assert Notes.actions["save"].title == "Save"


@pytest.mark.parametrize(
    ("idempotency", "key", "repeatable"),
    [
        (Idempotency.READ, None, True),
        (Idempotency.UPSERT, None, True),
        (Idempotency.KEYED, "k", True),
        (Idempotency.KEYED, None, False),
        (Idempotency.AT_MOST_ONCE, "k", False),
    ],
)
def test_repeatability_follows_from_idempotency(idempotency: Idempotency, key: str | None, repeatable: bool) -> None:
    assert ActionCall("a", idempotency, key).repeatable is repeatable


@pytest.mark.parametrize(
    ("payload", "field"),
    [({}, "text"), ({"text": 1}, "text"), ({"text": "a", "stars": "many"}, "stars"), ({"text": "a", "txt": 1}, "txt")],
)
async def test_bad_payload_names_the_field(payload: dict[str, Any], field: str, fake_provider: FakeProvider) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(InvalidInput) as caught:
            await _notes(http, fake_provider).invoke("save", payload)
    assert list(caught.value.errors) == [field]
    assert "many" not in str(caught.value.errors)
    assert fake_provider.requests == []


async def test_unknown_action_names_the_known_ones(fake_provider: FakeProvider) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(UnsupportedAction, match="leak, save, save_once") as caught:
            await _notes(http, fake_provider).invoke("sav", {})
    assert caught.value.code == "unsupported_integration_action"


async def test_result_is_json_ready_and_goes_below_the_override(fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(200, {"id": 7, "extra": True}))
    async with httpx.AsyncClient() as http:
        result = await _notes(http, fake_provider).invoke("save", {"text": "hi"})
    assert result.output == {"id": 7}
    assert [(one.method, one.path, one.json()) for one in fake_provider.requests] == [
        ("POST", "/v2/notes", {"text": "hi", "stars": 1})
    ]


async def test_answer_that_lacks_what_it_documents_is_open_or_retriable(fake_provider: FakeProvider) -> None:
    fake_provider.reply_with(Reply(200, {"id": "seven"}))
    async with httpx.AsyncClient() as http:
        with pytest.raises(OutcomeUnknown):
            await _notes(http, fake_provider).invoke("save", {"text": "hi"})
        with pytest.raises(OutcomeUnknown):
            await _notes(http, fake_provider).invoke("save_once", {"text": "hi"})
        with pytest.raises(ProviderUnavailable) as caught:
            await _notes(http, fake_provider).invoke("save_once", {"text": "hi"}, "key-1")
    assert caught.value.code == "unexpected_response"


async def test_secret_and_context_are_cut_off_an_error(fake_provider: FakeProvider) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(Rejected) as caught:
            await _notes(http, fake_provider).invoke("leak", {"text": "hi"})
    assert str(caught.value) == "refused with [redacted]"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_rebase_replaces_the_host_only_when_overridden(fake_provider: FakeProvider) -> None:
    async with httpx.AsyncClient() as http:
        own, overridden = Notes({"access_token": TOKEN}, http), _notes(http, fake_provider)
    assert own.url("/x") == "https://notes.invalid/api/x"
    assert own.rebase("https://hook.invalid/a?b=1") == "https://hook.invalid/a?b=1"
    assert overridden.rebase("https://hook.invalid/a?b=1") == f"{fake_provider.url}/v2/a?b=1"


@pytest.mark.parametrize(
    "url",
    ["", "acme.test", "ftp://a.test", "https://a.test?x=1", "https://u:p@a.test", "https://", "http://a.test:99999"],
)
async def test_malformed_override_is_refused(url: str) -> None:
    async with httpx.AsyncClient() as http:
        with pytest.raises(ValueError, match="base_url"):
            Notes({"access_token": TOKEN}, http, base_url=url)


def test_broken_declarations_fail_on_definition() -> None:
    with pytest.raises(TypeError, match="must set"):
        type("NoKey", (Connector,), {})
    with pytest.raises(TypeError, match="key or alias"):
        type("BadKey", (Base,), {"key": "Bad Key"})
    with pytest.raises(TypeError, match="key or alias"):
        type("BadAlias", (Base,), {"aliases": ("x y",)})
    with pytest.raises(TypeError, match="check"):
        type("NoCheck", (Base,), {"check": Connector.check})
    with pytest.raises(TypeError, match="two actions"):
        type("Twice", (Notes,), {"again": Notes.save})
    with pytest.raises(TypeError, match="action name"):
        action(name="Bad-Name", title="T", description="D", idempotency=Idempotency.READ)
    with pytest.raises(TypeError, match="title"):
        action(name="good", title=" ", description="D", idempotency=Idempotency.READ)


def test_lax_input_models_are_refused() -> None:
    class Lax(BaseModel):
        text: str

    async def save(self: Base, call: ActionCall, note: Lax) -> Saved:
        raise AssertionError((self, call, note))

    declared = action(name="save", title="T", description="D", idempotency=Idempotency.READ)(save)
    with pytest.raises(TypeError, match="unknown fields"):
        type("Laxer", (Base,), {"save": declared})
