"""Servers that data sources read: they answer what a test says, and keep what they were asked."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import orjson

from tests.support.closing import stop_listening


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Handler = Callable[["DataServer", Asked, asyncio.StreamWriter], Awaitable[None]]


def head(status: int = 200, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Told", *headers, "Connection: close", "", ""]).encode()


@dataclass
class DataServer:
    """`routes` says what is at a path: bytes, a value that becomes JSON, or a handler."""

    routes: dict[str, object] = field(default_factory=dict[str, object])
    asked: list[Asked] = field(default_factory=list[Asked])
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            parts = urlsplit(target)
            asked = Asked(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)
            self.asked.append(asked)
            await self._answer(asked, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        found = self.routes.get(asked.path)
        if found is None:
            writer.write(head(404, "Content-Length: 0"))
        elif callable(found):
            await found(self, asked, writer)  # pyright: ignore[reportGeneralTypeIssues] - a Handler
        else:
            send(writer, found)


def send(writer: asyncio.StreamWriter, value: object, *headers: str, status: int = 200) -> None:
    """A whole answer."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    kind = (
        () if any(line.lower().startswith("content-type") for line in headers) else ("Content-Type: application/json",)
    )
    writer.write(head(status, *kind, *headers, f"Content-Length: {len(body)}") + body)


@asynccontextmanager
async def serving(**routes: object) -> AsyncGenerator[DataServer]:
    """`people=...` is at /people."""
    made = DataServer({f"/{name}": value for name, value in routes.items()})
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = int(server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        await stop_listening(server)
