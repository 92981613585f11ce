"""The client for third parties against real servers on this machine."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
import httpcore
import httpx
import pytest

from drippulse.kit.http import (
    MAX_RESPONSE_BYTES,
    EgressRefusedError,
    GuardedBackend,
    OutboundHttp,
    ResponseTooLargeError,
)
from tests.support.closing import stop_listening

PUBLIC = "93.184.216.34"
LOOPBACK = "127.0.0.1"


class Server:
    """Answers every request with the same bytes and keeps the heads of the requests."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.port = 0
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.closed.set()


def answer(body: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def serving(reply: bytes) -> AsyncGenerator[Server]:
    made = Server(reply)
    server = await asyncio.start_server(made.serve, LOOPBACK, 0)
    made.port = int(server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        await stop_listening(server)


@asynccontextmanager
async def allowed(server: Server) -> AsyncGenerator[tuple[OutboundHttp, str]]:
    http = OutboundHttp(frozenset({f"{LOOPBACK}:{server.port}"}), development=True)
    try:
        yield http, f"http://{LOOPBACK}:{server.port}/"
    finally:
        await http.aclose()


def resolver(*answers: list[str]) -> tuple[Callable[[str, int], Any], list[str]]:
    """Answers in turn, the last one for ever; and the names it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


class Network(httpcore.AsyncNetworkBackend):
    """Connects to `port` on this machine whatever the address."""

    def __init__(self, port: int) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self.port = port
        self.connected_to: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected_to.append(host)
        return await self._inner.connect_tcp(LOOPBACK, self.port, timeout, local_address, socket_options)


async def test_cookies_of_one_call_are_not_sent_with_the_next() -> None:
    reply = answer(b"", "Set-Cookie: session=of-another-organization; Path=/")
    async with serving(reply) as server, allowed(server) as (http, url):
        await http.request("GET", url)
        await http.request("GET", url)
    assert len(server.heads) == 2
    assert b"cookie" not in server.heads[1].lower()


async def test_a_redirect_is_answered_and_not_followed() -> None:
    moved = answer(b"", "Location: http://169.254.169.254/latest").replace(b"200 OK", b"302 Found")
    async with serving(moved) as server, allowed(server) as (http, url):
        response = await http.request("GET", url)
    assert (response.status_code, len(server.heads)) == (302, 1)


async def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(answer(b"ok")) as server, allowed(server) as (http, url):
        assert (await http.request("GET", url)).content == b"ok"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_compressed_answer_is_read(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    reply = answer(pack(b'{"a": 1}'), f"Content-Encoding: {encoding}")
    async with serving(reply) as server, allowed(server) as (http, url):
        assert (await http.request("GET", url)).json() == {"a": 1}
    assert b"accept-encoding: identity" in server.heads[0].lower()


async def test_a_compressed_answer_that_is_none_is_an_error_of_the_other_side() -> None:
    async with serving(answer(b"plain", "Content-Encoding: gzip")) as server, allowed(server) as (http, url):
        with pytest.raises(httpx.DecodingError):
            await http.request("GET", url)


@pytest.mark.parametrize("pack", [gzip.compress, None])
async def test_a_body_over_the_limit_is_refused(pack: Callable[[bytes], bytes] | None) -> None:
    body = b"\0" * (MAX_RESPONSE_BYTES + 1)
    reply = answer(pack(body), "Content-Encoding: gzip") if pack else answer(body)
    async with serving(reply) as server, allowed(server) as (http, url):
        with pytest.raises(ResponseTooLargeError):
            await http.request("GET", url)


async def test_a_gzip_bomb_is_not_inflated_beyond_the_limit() -> None:
    bomb = gzip.compress(b"\0" * (64 * MAX_RESPONSE_BYTES))
    async with serving(answer(bomb, "Content-Encoding: gzip")) as server, allowed(server) as (http, url):
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLargeError):
                await http.request("GET", url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * MAX_RESPONSE_BYTES


@pytest.mark.parametrize(
    "addresses",
    [[LOOPBACK], ["::1"], ["169.254.169.254"], ["fe80::1%2"], [PUBLIC, "10.0.0.1"], ["::ffff:10.0.0.1", PUBLIC]],
)
async def test_a_name_with_any_private_address_is_refused(addresses: list[str]) -> None:
    resolve, _ = resolver(addresses)
    http = OutboundHttp(resolve=resolve)
    try:
        with pytest.raises(EgressRefusedError):
            await http.request("GET", "https://hook.example.com/")
    finally:
        await http.aclose()


async def test_a_name_is_looked_up_once_and_the_checked_address_is_called() -> None:
    """Rebinding: the second answer would be a private address, and nobody asks a second time."""
    resolve, asked = resolver([PUBLIC], [LOOPBACK])
    async with serving(answer(b"")) as server:
        network = Network(server.port)
        with pytest.raises(EgressRefusedError, match="reached a private address"):
            await GuardedBackend(frozenset(), resolve, network).connect_tcp("rebind.example.com", 443)
    assert (asked, network.connected_to) == (["rebind.example.com"], [PUBLIC])


async def test_a_connection_that_reached_a_private_peer_is_closed() -> None:
    resolve, _ = resolver([PUBLIC])
    async with serving(answer(b"")) as server:
        with pytest.raises(EgressRefusedError):
            await GuardedBackend(frozenset(), resolve, Network(server.port)).connect_tcp("a.example.com", 443)
        with anyio.fail_after(5):
            await server.closed.wait()
        assert server.heads == []


async def test_a_name_without_an_address_was_not_called() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError(host, port)

    http = OutboundHttp(resolve=resolve)
    try:
        with pytest.raises(httpx.ConnectError):
            await http.request("GET", "https://nowhere.example.com/")
    finally:
        await http.aclose()
