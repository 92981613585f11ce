"""A fake provider: a real HTTP/1.1 server on this machine that answers as told and records what it was asked."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

JSON_HEADERS = {"Content-Type": "application/json; charset=utf-8"}
ROUNDS = 10


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came in; header names are lower case, `query` and `headers` keep the last of a name."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the provider does with a request.

    Attributes:
        body: text is sent as it is, anything else as JSON.
        hang: take the request in and never answer, as long as the client waits.
        drop: take the request in and cut the connection instead of answering.
    """

    status: int = 200
    body: object = field(default_factory=dict[str, object])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    hang: bool = False
    drop: bool = False

    def encode(self) -> bytes:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        content = text.encode()
        headers = {} if isinstance(self.body, str) else dict(JSON_HEADERS)
        headers |= {**self.headers, "Content-Length": str(len(content)), "Connection": "close"}
        lines = [f"HTTP/1.1 {self.status} -", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + content


Handler = Callable[[RecordedRequest], Reply]


class FakeProvider:
    """`with FakeProvider() as provider:` serves at `provider.url` from a thread of its own, for any kind of test.

    Attributes:
        requests: everything that came in, oldest first.
    """

    def __init__(self, reply: Reply | Handler | None = None) -> None:
        self.requests: list[RecordedRequest] = []
        self.url = ""
        self._handler: Handler = _constant(Reply())
        if reply is not None:
            self.reply_with(reply)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._thread = threading.Thread(target=self._run, name="fake-provider", daemon=True)

    def reply_with(self, reply: Reply | Handler) -> None:
        """Answer every request from now on with `reply`, or with what it returns for the request."""
        self._handler = _constant(reply) if isinstance(reply, Reply) else reply

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._track, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        for listening in server.sockets:
            self._loop.remove_reader(listening.fileno())
        await _rounds()  # who is being let in when it closes is never let go by Python 3.11
        server.close()
        left = dict(self._connections)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for writer in left.values():
            writer.close()  # of a task that was cancelled before its first step
        await server.wait_closed()
        await _rounds()  # a transport that was told to close does so in a later one

    def _track(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._answer(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read_request(reader)
            self.requests.append(request)
            reply = self._handler(request)
            if reply.hang:
                await reader.read()  # returns when the client gives up
            elif not reply.drop:
                writer.write(reply.encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, which some tests make it do
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()  # the loop may end with this task


async def _rounds() -> None:
    """Let the loop do what it has begun."""
    for _ in range(ROUNDS):
        await asyncio.sleep(0)


def _constant(reply: Reply) -> Handler:
    return lambda _request: reply


async def _read_request(reader: asyncio.StreamReader) -> RecordedRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _version = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _colon, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return RecordedRequest(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
