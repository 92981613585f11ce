"""graphql-transport-ws, the server's side: what each message of a client means. Pure.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias, cast

import orjson

from drippulse.kit.errors import DomainError
from drippulse.kit.strict_json import loads
from drippulse_graphql.kit.http import MAX_BODY

SUBPROTOCOL = "graphql-transport-ws"
MAX_REASON = 123
"""Bytes of a close frame's reason (RFC 6455, section 5.5)."""


class CloseCode(int, Enum):
    GOING_AWAY = 1001
    INVALID_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITS = 4429


@dataclass(frozen=True, slots=True)
class Initialise:
    """Check the credential in `payload`; then `Connection.accepted` or a close with FORBIDDEN."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """Run the operation; it is `Connection.finished` when it has come to its end."""

    id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stop:
    """The client wants nothing more of this operation."""

    id: str


@dataclass(frozen=True, slots=True)
class Send:
    text: str


@dataclass(frozen=True, slots=True)
class Close:
    code: CloseCode
    reason: str


Action: TypeAlias = Initialise | Start | Stop | Send | Close


class _State(Enum):
    NEW = 1
    INITIALISING = 2
    READY = 3
    CLOSED = 4


@dataclass(slots=True)
class Connection:
    """One socket. Each message of the client leads to one action, or to none."""

    _state: _State = _State.NEW
    active: set[str] = field(default_factory=set[str])

    @property
    def initialised(self) -> bool:
        """Whether a `connection_init` has come."""
        return self._state is not _State.NEW

    def received(self, message: str | bytes) -> Action | None:
        if self._state is _State.CLOSED:
            return None
        if isinstance(message, bytes):
            return self._invalid("Send text, not binary data.")
        if len(message) > MAX_BODY:
            return self._invalid(f"A message may have {MAX_BODY} characters.")
        try:
            sent = loads(message.encode())
        except (DomainError, ValueError):
            return self._invalid("This is not JSON.")
        if not isinstance(sent, dict):
            return self._invalid("A message is a JSON object.")
        return self._understood(cast("dict[str, Any]", sent))

    def accepted(self) -> Send | None:
        if self._state is not _State.INITIALISING:
            return None
        self._state = _State.READY
        return Send('{"type":"connection_ack"}')

    def timed_out(self) -> Close | None:
        """The time for a `connection_init` is over."""
        return None if self.initialised else self.close(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")

    def finished(self, operation_id: str) -> bool:
        """Whether the client still wants to hear of it."""
        if operation_id not in self.active:
            return False
        self.active.discard(operation_id)
        return True

    def close(self, code: CloseCode, reason: str) -> Close:
        self._state = _State.CLOSED
        self.active.clear()
        return Close(code, shortened(reason))

    def _invalid(self, reason: str) -> Close:
        return self.close(CloseCode.INVALID_MESSAGE, reason)

    def _understood(self, sent: dict[str, Any]) -> Action | None:
        payload = sent.get("payload")
        match sent.get("type"):
            case "connection_init" if _is_object(payload):
                return self._init(payload or {})
            case "ping" if _is_object(payload):
                return Send(orjson.dumps({"type": "pong", **({"payload": payload} if payload else {})}).decode())
            case "pong" if _is_object(payload):
                return None
            case "subscribe" if _is_id(sent.get("id")) and isinstance(payload, dict):
                return self._subscribe(sent["id"], cast("dict[str, Any]", payload))
            case "complete" if _is_id(sent.get("id")):
                return Stop(sent["id"]) if self.finished(sent["id"]) else None
            case str(kind) if kind in {"connection_init", "ping", "pong", "subscribe", "complete"}:
                return self._invalid(f"This {kind} message is not as the protocol has it.")
            case _:
                return self._invalid("A client sends connection_init, ping, pong, subscribe and complete.")

    def _init(self, payload: dict[str, Any]) -> Action:
        if self.initialised:
            return self.close(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        self._state = _State.INITIALISING
        return Initialise(payload)

    def _subscribe(self, operation_id: str, payload: dict[str, Any]) -> Action:
        if self._state is not _State.READY:
            return self.close(CloseCode.UNAUTHORIZED, "Unauthorized")
        if operation_id in self.active:
            return self.close(CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {operation_id} already exists")
        if not _is_operation(payload):
            return self._invalid("The payload of subscribe has query, operationName, variables and extensions.")
        self.active.add(operation_id)
        return Start(operation_id, payload)


def next_text(operation_id: str, payload: bytes) -> str:
    return f'{{"id":{_quoted(operation_id)},"type":"next","payload":{payload.decode()}}}'


def error_text(operation_id: str, errors: list[dict[str, Any]]) -> str:
    return orjson.dumps({"id": operation_id, "type": "error", "payload": errors}).decode()


def complete_text(operation_id: str) -> str:
    return f'{{"id":{_quoted(operation_id)},"type":"complete"}}'


def shortened(reason: str) -> str:
    return reason.encode()[:MAX_REASON].decode(errors="ignore")


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _is_object(payload: object) -> bool:
    return payload is None or isinstance(payload, dict)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_operation(payload: dict[str, Any]) -> bool:
    """As far as the protocol says; a document may be named instead of sent."""
    query, name = payload.get("query"), payload.get("operationName")
    objects = all(_is_object(payload.get(member)) for member in ("variables", "extensions"))
    named = "documentId" in payload or payload.get("extensions") is not None
    return objects and isinstance(name, str | None) and (isinstance(query, str) or (query is None and named))
