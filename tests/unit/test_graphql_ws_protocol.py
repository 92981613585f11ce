"""graphql-transport-ws as a state machine: whatever a client sends."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from drippulse_graphql.kit.http import MAX_BODY
from drippulse_graphql.subscriptions.protocol import (
    Close,
    CloseCode,
    Connection,
    Initialise,
    Send,
    Start,
    Stop,
    complete_text,
    next_text,
)

WRONG_MESSAGES: list[Any] = [
    {"type": "subscribe", "id": "", "payload": {"query": "{ a }"}},
    {"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}},
    {"type": "subscribe", "id": "1"},
    {"type": "subscribe", "id": "1", "payload": {"query": 1}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "extensions": 1}},
    {"type": "complete"},
    {"type": "ping", "payload": 1},
    {"type": "connection_init", "payload": "x"},
    {"type": "next", "id": "1"},
    {},
]
IDS = st.sampled_from(["1", "2", "3"])
QUERY = {"query": "{ a }"}
MESSAGES = st.one_of(
    st.just({"type": "connection_init"}),
    st.just({"type": "connection_init", "payload": {"authorization": "x"}}),
    st.just({"type": "ping"}),
    st.just({"type": "ping", "payload": {"a": 1}}),
    st.just({"type": "pong", "payload": {}}),
    IDS.map(lambda one: {"type": "subscribe", "id": one, "payload": QUERY}),
    IDS.map(lambda one: {"type": "complete", "id": one}),
)
WRONG = st.one_of(
    st.text(),
    st.binary(),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    ).map(json.dumps),
    st.sampled_from(WRONG_MESSAGES).map(json.dumps),
)


def ready() -> Connection:
    connection = Connection()
    assert isinstance(connection.received('{"type":"connection_init"}'), Initialise)
    assert connection.accepted() == Send('{"type":"connection_ack"}')
    return connection


def sent(connection: Connection, **message: Any) -> Any:
    return connection.received(json.dumps(message))


@given(st.lists(MESSAGES, max_size=30))
def test_every_sequence_of_sound_messages_is_taken_as_the_protocol_says(messages: list[dict[str, Any]]) -> None:
    connection, active, initialised = Connection(), set[str](), False
    for message in messages:
        action = connection.received(json.dumps(message))
        kind, operation = message["type"], message.get("id", "")
        if kind == "connection_init" and initialised:
            assert isinstance(action, Close)
            assert action.code is CloseCode.TOO_MANY_INITS
            return
        if kind == "connection_init":
            assert action == Initialise(message.get("payload", {}))
            initialised = connection.accepted() is not None
        elif kind == "ping":
            assert isinstance(action, Send)
            assert json.loads(action.text) == {**message, "type": "pong"}
        elif kind == "pong":
            assert action is None
        elif kind == "subscribe" and (not initialised or operation in active):
            assert isinstance(action, Close)
            assert action.code is (CloseCode.SUBSCRIBER_EXISTS if initialised else CloseCode.UNAUTHORIZED)
            return
        elif kind == "subscribe":
            assert action == Start(operation, QUERY)
            active.add(operation)
        elif kind == "complete":
            assert action == (Stop(operation) if operation in active else None)
            active.discard(operation)
        assert connection.active == active


@given(WRONG)
def test_whatever_is_no_message_closes_with_4400(message: str | bytes) -> None:
    connection = ready()
    action = connection.received(message)
    assert isinstance(action, Close)
    assert action.code is CloseCode.INVALID_MESSAGE
    assert len(action.reason.encode()) <= 123
    assert sent(connection, type="ping") is None


def test_a_subscribe_before_the_acknowledgement_is_unauthorized() -> None:
    connection = Connection()
    sent(connection, type="connection_init")
    action = sent(connection, type="subscribe", id="1", payload=QUERY)
    assert action == Close(CloseCode.UNAUTHORIZED, "Unauthorized")
    assert connection.accepted() is None


def test_the_time_for_an_initialisation_is_over_once() -> None:
    assert Connection().timed_out() == Close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")
    assert ready().timed_out() is None
    waiting = Connection()
    sent(waiting, type="connection_init")  # the credential is being looked at
    assert waiting.timed_out() is None


def test_a_second_initialisation_is_one_too_many_before_the_acknowledgement_too() -> None:
    connection = Connection()
    sent(connection, type="connection_init")
    assert sent(connection, type="connection_init").code is CloseCode.TOO_MANY_INITS
    assert connection.accepted() is None


def test_a_message_has_a_size() -> None:
    connection = ready()
    query = "{ a }" + " " * MAX_BODY
    assert sent(connection, type="subscribe", id="1", payload={"query": query}).code is CloseCode.INVALID_MESSAGE


def test_a_null_payload_is_none() -> None:
    connection = Connection()
    assert sent(connection, type="ping", payload=None) == Send('{"type":"pong"}')
    assert sent(connection, type="pong", payload=None) is None
    assert sent(connection, type="connection_init", payload=None) == Initialise({})


def test_an_id_is_free_again_when_its_operation_has_ended() -> None:
    connection = ready()
    for _ in range(2):
        assert isinstance(sent(connection, type="subscribe", id="1", payload=QUERY), Start)
        assert connection.finished("1")
        assert not connection.finished("1")


@given(st.text(min_size=1))
def test_any_id_comes_back_as_it_was_sent(operation_id: str) -> None:
    text = operation_id.encode(errors="replace").decode()
    assert json.loads(next_text(text, b'{"data":null}')) == {"id": text, "type": "next", "payload": {"data": None}}
    assert json.loads(complete_text(text)) == {"id": text, "type": "complete"}


def test_a_long_id_does_not_make_a_frame_too_long() -> None:
    connection = ready()
    sent(connection, type="subscribe", id="é" * 500, payload=QUERY)
    action = sent(connection, type="subscribe", id="é" * 500, payload=QUERY)
    assert action.code is CloseCode.SUBSCRIBER_EXISTS
    assert len(action.reason.encode()) <= 123
