"""Subscriptions in this process, so that what they leave behind can be counted: sockets and streams over plain ASGI."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import GraphQLSchema
from litestar import Litestar, Request, post
from litestar.response import Stream

from drippulse.kit.services import AppServices
from drippulse_graphql.execution import Executor
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.http import bearer_token, read_post
from drippulse_graphql.kit.usage import UsageOfOperations
from drippulse_graphql.schema import core_schema, schema
from drippulse_graphql.subscriptions.limits import USUAL, Limits
from drippulse_graphql.subscriptions.sse import event_stream
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.websocket import USUAL_PACE, Pace, websocket_route
from tests.support.event_stream import ServerEvent
from tests.support.websocket import ClosedError, GraphqlSocket

PATIENCE = 15.0


def live_streams(services: AppServices, limits: Limits = USUAL, core: GraphQLSchema | None = None) -> Streams:
    """As the router makes them."""
    own = core or core_schema()
    documents = Documents(own)
    executor = Executor(schema, core_schema(), documents, services)
    return Streams(
        own, documents, executor, UsageOfOperations(own, documents, services.graphql_usage), services, limits
    )


def live_app(services: AppServices, streams: Streams, pace: Pace = USUAL_PACE) -> Litestar:
    """Both transports over these streams."""

    @post("/graphql", status_code=200)
    async def events(request: Request[Any, Any, Any]) -> Stream:
        caller = await services.authenticator.principal(bearer_token(request.headers.get("authorization")))
        return await event_stream(request, streams, caller, read_post(await request.body()), services.settings)

    route = websocket_route(streams, pace)
    route.paths = {"/graphql"}
    return Litestar([events, route], openapi_config=None, logging_config=None)


@dataclass
class AsgiConnection:
    """One call of an ASGI application: what it was sent, and what it sends."""

    app: Any
    scope: dict[str, Any]
    arriving: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue[dict[str, Any]])
    sent: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue[dict[str, Any]])
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, nobody takes what is sent."""
    task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.reading.set()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self.app(self.scope, self.arriving.get, self._take)

    async def _take(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        self.sent.put_nowait(message)

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), PATIENCE)

    async def leave(self, kind: str) -> None:
        """The client goes; until the application has come to its end."""
        self.arriving.put_nowait({"type": kind, "code": 1006})
        await asyncio.wait_for(asyncio.wait([self.task]), PATIENCE)


class AsgiSocket:
    """In place of a `WebSocketClient`."""

    def __init__(self, app: Any, **headers: str) -> None:
        self.connection = AsgiConnection(app, _scope("websocket", headers, subprotocols=["graphql-transport-ws"]))
        self.connection.arriving.put_nowait({"type": "websocket.connect"})

    async def send(self, text: str | bytes) -> None:
        kind = "bytes" if isinstance(text, bytes) else "text"
        self.connection.arriving.put_nowait({"type": "websocket.receive", kind: text})

    async def receive(self) -> str:
        """Raises ClosedError."""
        while True:
            message = await self.connection.next()
            if message["type"] == "websocket.close":
                raise ClosedError(message["code"], message["reason"])
            if message["type"] == "websocket.send":
                return str(message["text"])

    async def close(self) -> None:
        await self.connection.leave("websocket.disconnect")


class AsgiStream:
    """An answer of server-sent events."""

    def __init__(self, app: Any, token: str, query: str, variables: dict[str, Any] | None = None) -> None:
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "text/event-stream",
            "content-type": "application/json",
        }
        self.connection = AsgiConnection(app, _scope("http", headers, method="POST"))
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        self.connection.arriving.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self._text = ""

    async def begin(self) -> None:
        """Until the answer has begun, which has to be one of events."""
        message = await self.connection.next()
        assert (message["type"], message["status"]) == ("http.response.start", 200), message
        assert dict(message["headers"])[b"content-type"] == b"text/event-stream"

    async def receive(self) -> ServerEvent | None:
        """None at the end of the answer."""
        while True:
            block, found, rest = self._text.partition("\n\n")
            if found:
                self._text = rest
                fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
                if "event" in fields:
                    return ServerEvent(fields["event"], fields.get("id"), json.loads(fields["data"]))
                continue
            message = await self.connection.next()
            if not message["more_body"]:
                return None
            self._text += message["body"].decode()

    async def leave(self) -> None:
        await self.connection.leave("http.disconnect")


@asynccontextmanager
async def asgi_socket(app: Any, token: str) -> AsyncGenerator[GraphqlSocket]:
    """A socket that is initialised."""
    client = GraphqlSocket(cast("Any", AsgiSocket(app)))
    await client.initialise(token)
    try:
        yield client
    finally:
        await client.socket.close()


def _scope(kind: str, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("drippulse.test", 80),
        "client": ("10.1.0.1", 40_000),
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "drippulse.test", **headers}.items()],
        "state": {},
        **more,
    }
