"""A small WebSocket client (RFC 6455) and, over it, a client of graphql-transport-ws."""

import asyncio
import base64
import json
import os
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
PATIENCE = 15.0


class ClosedError(Exception):
    """The server has closed the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class WebSocketClient:
    """One socket; made by `connect`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subprotocol: str | None) -> None:
        self._reader = reader
        self._writer = writer
        self.subprotocol = subprotocol

    @classmethod
    async def connect(
        cls, url: str, *, subprotocols: str = "graphql-transport-ws", buffer: int = 2**20, **headers: str
    ) -> "WebSocketClient":
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=buffer)
        given = {
            "host": f"{parts.hostname}:{parts.port}",
            "upgrade": "websocket",
            "connection": "Upgrade",
            "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
            "sec-websocket-version": "13",
            **({"sec-websocket-protocol": subprotocols} if subprotocols else {}),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        writer.write(f"GET {parts.path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        assert answer.startswith("HTTP/1.1 101"), answer
        pairs = dict(line.lower().split(": ", 1) for line in answer.split("\r\n")[1:] if ": " in line)
        return cls(reader, writer, pairs.get("sec-websocket-protocol"))

    async def send(self, text: str | bytes) -> None:
        """A text frame, of bytes a binary one; masked, as clients must."""
        kind = BINARY if isinstance(text, bytes) else TEXT
        await self._frame(kind, text if isinstance(text, bytes) else text.encode())

    async def receive(self) -> str:
        """Raises ClosedError."""
        while True:
            head = await self._read(2)
            kind, length = head[0] & 0x0F, head[1] & 0x7F
            if length == 126:
                length = struct.unpack("!H", await self._read(2))[0]
            elif length == 127:
                length = struct.unpack("!Q", await self._read(8))[0]
            content = await self._read(length)
            if kind == TEXT:
                return content.decode()
            if kind == PING:
                await self._frame(PONG, content)
            elif kind == CLOSE:
                raise ClosedError(struct.unpack("!H", content[:2])[0] if content else 1005, content[2:].decode())

    async def close(self) -> None:
        self._writer.close()

    async def _read(self, count: int) -> bytes:
        try:
            return await self._reader.readexactly(count)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ClosedError(1006, "without a close frame") from None

    async def _frame(self, kind: int, content: bytes) -> None:
        mask = os.urandom(4)
        size = len(content)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 2**16:
            head += bytes([0x80 | 126]) + struct.pack("!H", size)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", size)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))
        self._writer.write(head + mask + masked)
        await self._writer.drain()


class GraphqlSocket:
    """A client of graphql-transport-ws. Messages are dictionaries; pings of the server are answered."""

    def __init__(self, socket: WebSocketClient) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Raises ClosedError, TimeoutError."""
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.receive(), patience))
            if message["type"] != "ping":
                return message
            await self.send(type="pong")

    async def initialise(self, token: str | None) -> None:
        payload = {"payload": {"authorization": f"Bearer {token}"}} if token else {}
        await self.send(type="connection_init", **payload)
        assert (await self.receive())["type"] == "connection_ack"

    async def subscribe(self, operation_id: str, query: str, **variables: Any) -> None:
        await self.send(id=operation_id, type="subscribe", payload={"query": query, "variables": variables})

    async def settled(self) -> None:
        """Until every subscription that was sent has begun: a query behind them has been answered."""
        await self.subscribe("settled", "{ viewer { role } }")
        told = await self.receive()
        assert (told["id"], told["type"]) == ("settled", "next"), told
        assert (await self.receive())["type"] == "complete"

    async def data(self, patience: float = PATIENCE) -> Any:
        """Of the next message, which must be a result without errors: the value of its one field."""
        message = await self.receive(patience)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (value,) = message["payload"]["data"].values()
        return value

    async def closed(self, patience: float = PATIENCE) -> ClosedError:
        """What the server closes the socket with, after whatever it still says."""
        try:
            while True:
                await self.receive(patience)
        except ClosedError as closed:
            return closed


@asynccontextmanager
async def graphql_socket(url: str, token: str | None = None, **options: Any) -> AsyncGenerator[GraphqlSocket]:
    """A socket to `{url}/graphql`; with a token one that is initialised."""
    client = GraphqlSocket(await WebSocketClient.connect(f"{url}/graphql", **options))
    try:
        if token is not None:
            await client.initialise(token)
        yield client
    finally:
        await client.socket.close()
