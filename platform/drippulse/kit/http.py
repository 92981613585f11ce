"""The one HTTP client for calls to third parties, with the SSRF guard in its network layer.

A name is resolved once, every address it has is checked, the connection goes to a checked address, and the peer is
checked again once connected. Redirects are never followed and proxy variables are ignored.
"""

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Protocol, TypeAlias, cast

import anyio
import httpcore
import httpx

from drippulse.kit.errors import DomainError

MAX_RESPONSE_BYTES = 1_048_576
MOST_INFLATED: Final = 1 << 20
"""Bytes that are inflated at once."""
MAX_URL_SHOWN = 100
USER_AGENT = "DripPulse/0.1"
HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:")
NEVER_CALLED: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's own services beside 169.254.169.254
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service has an address here
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "3fff::/20",  # documentation (RFC 9637)
        "fec0::/10",  # site-local (RFC 3879)
    )
)
"""What the standard library takes for global and no third party has."""

Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) -> addresses. Raises OSError when there are none."""


class _Inflater(Protocol):
    """What zlib's objects have."""

    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, /, max_length: int = 0) -> bytes: ...


class EgressRefusedError(DomainError):
    """The address is not one this server calls: private, loopback, link-local, or not http(s)."""

    code = "egress_refused"
    status = 422


class ResponseTooLargeError(httpx.RemoteProtocolError):
    """The body passed `MAX_RESPONSE_BYTES`; the request did reach the other side."""


def is_public(address: str) -> bool:
    """Whether an IP address literal is globally routable; mapped and embedded IPv4 forms are unwrapped first."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if embedded is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None and not is_public(str(embedded)):
            return False
    if any(ip in network for network in NEVER_CALLED if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def static_problem(url: str, allow: frozenset[str] = frozenset(), *, development: bool = False) -> str | None:
    """What is wrong with `url` as far as its text tells (no name is resolved), or None.

    Plain http passes in development to loopback only, and wherever `allow` has the `host:port` pair.
    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, {"https": 443, "http": 80}.get(parsed.scheme) if parsed.port is None else parsed.port
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return f"{url[:MAX_URL_SHOWN]!r} is not a URL; write it as https://host/path."
    if port is None or not host:
        return "Only https URLs with a host are called."
    if not 0 < port < 65_536 or not HOST_CHARACTERS.issuperset(parsed.raw_host.decode("ascii")):
        return "The host or the port of the URL is not valid; write it as https://host/path."
    if f"{host}:{port}" in allow:
        return None
    if parsed.userinfo:
        return "Credentials do not belong in a URL; send them in a header."
    if parsed.scheme == "http" and not (development and host in {"localhost", "127.0.0.1", "::1"}):
        return "Only https URLs are called; write https:// instead of http://."
    literal = _as_literal(host)
    if literal is not None and not is_public(literal):
        return f"{host[:MAX_URL_SHOWN]} is a private or reserved address and is never called."
    return None


def _as_literal(host: str) -> str | None:
    """The address that a resolver would read from `host` when it is any spelling of an IP literal."""
    bare = host.strip("[]").rstrip(".")
    try:
        return str(ipaddress.ip_address(bare.split("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare))
    except (OSError, UnicodeError):
        return "127.0.0.1" if f".{bare.lower()}".endswith(".localhost") else None


async def _resolve(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


async def checked_addresses(
    host: str, port: int, timeout: float | None, *, allowed: bool, resolve: Resolve = _resolve
) -> list[str]:
    """Every address of `host`, each of them one that this server calls; `allowed` passes without a check.

    Raises:
        EgressRefusedError: one of them is private or reserved.
        httpcore.ConnectError, httpcore.ConnectTimeout: there is none.
    """
    try:
        async with asyncio.timeout(timeout):
            addresses = list(dict.fromkeys(await resolve(host, port)))
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} does not resolve") from error
    if not allowed and not all(is_public(address) for address in addresses):
        raise EgressRefusedError(f"{host} resolves to a private or reserved address and is never called.")
    return addresses


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks every address, connects to a checked one and checks the peer.

    Args:
        allow: `host:port` pairs that pass without a check.
        resolve: how names are looked up; once for a connection.
        network: what connects to an address.
    """

    def __init__(
        self,
        allow: frozenset[str],
        resolve: Resolve = _resolve,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow = allow
        self._look_up = resolve
        self._inner = network or cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        allowed = f"{host}:{port}" in self._allow
        last: Exception | None = None
        for address in await checked_addresses(host, port, timeout, allowed=allowed, resolve=self._look_up):
            try:
                stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            if not allowed:
                await _check_peer(stream)
            return stream
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise EgressRefusedError("Unix sockets are never called.")

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


async def _check_peer(stream: httpcore.AsyncNetworkStream) -> None:
    """Raises EgressRefusedError, with the connection closed."""
    peer = stream.get_extra_info("server_addr")
    if not (peer and is_public(str(peer[0]))):
        await stream.aclose()
        raise EgressRefusedError("The connection reached a private address and was closed.")


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a connection pool whose network layer is guarded."""

    def __init__(self, backend: GuardedBackend) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=200,
            max_keepalive_connections=50,
            keepalive_expiry=30,
            network_backend=backend,
        )


class OutboundHttp:
    """The platform's client for connectors, webhooks and imports.

    Args:
        allow: `host:port` pairs the guard lets pass (development and tests).
        development: plain http to loopback addresses passes the text check, and only together with `allow` the guard.
        resolve: how names are looked up.
    """

    def __init__(
        self, allow: frozenset[str] = frozenset(), *, development: bool = False, resolve: Resolve = _resolve
    ) -> None:
        self._allow = allow
        self._development = development
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(GuardedBackend(allow, resolve)),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # one client serves every organization
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = 15.0,
    ) -> httpx.Response:
        """One request, its whole body read (1 MiB at most), within `timeout` seconds in all.

        Raises:
            EgressRefusedError: the URL or an address behind it is not one we call.
            httpx.ConnectError, httpx.ConnectTimeout: nothing was sent.
            httpx.TransportError: anything later; the other side may have seen the request.
        """
        if problem := static_problem(url, self._allow, development=self._development):
            raise EgressRefusedError(problem)
        request = self._client.build_request(
            method,
            url,
            headers=dict(headers or {}),
            content=content,
            json=json,
            data=data,
            params=params,
            timeout=timeout,
        )
        try:
            async with asyncio.timeout(timeout):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _read(response)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no complete answer within {timeout} s", request=request) from error
        headers_without_encoding = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in {"content-encoding", "content-length"}
        ]
        return httpx.Response(response.status_code, headers=headers_without_encoding, content=body, request=request)

    @asynccontextmanager
    async def streamed(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        most_bytes: int,
        timeout: float,
        silence: float,
    ) -> AsyncGenerator[tuple[httpx.Response, AsyncIterator[bytes]]]:
        """One request, its answer's head and its decoded body in pieces: `most_bytes` of them at most, within `timeout`
        seconds in all, and never `silence` seconds without any. The block may end before the body does.

        Raises:
            What `request` does. Of the body httpx.TransportError and ResponseTooLargeError come out of the pieces.
        """
        if problem := static_problem(url, self._allow, development=self._development):
            raise EgressRefusedError(problem)
        request = self._client.build_request(
            method, url, headers=dict(headers or {}), content=content, timeout=httpx.Timeout(silence)
        )
        try:
            async with asyncio.timeout(timeout):
                response = await self._client.send(request, stream=True)
                try:
                    yield response, _pieces(response, most_bytes, whole=True)
                finally:
                    await response.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no complete answer within {timeout:.0f} s", request=request) from error

    async def aclose(self) -> None:
        await self._client.aclose()


async def _read(response: httpx.Response) -> bytes:
    """The decoded body. Raises what `_pieces` does."""
    body = bytearray()
    async for piece in _pieces(response, MAX_RESPONSE_BYTES):
        body += piece
    return bytes(body)


async def _pieces(response: httpx.Response, most: int, *, whole: bool = False) -> AsyncIterator[bytes]:
    """The decoded body. It is inflated no further than the limit: a small body may stand for gigabytes.

    Args:
        whole: a compressed body that ends too early, or that something follows, is an error.

    Raises:
        ResponseTooLargeError, httpx.DecodingError
    """
    inflater = _inflater(response.headers.get("content-encoding", ""))
    size = 0
    try:
        async for chunk in response.aiter_raw():
            for piece in _inflated(inflater, chunk, most) if inflater else (chunk,):
                size += len(piece)
                if size > most:
                    message = f"the response is larger than {most} bytes"
                    raise ResponseTooLargeError(message, request=response.request)
                yield piece
    except zlib.error as error:
        raise _undecodable(response) from error
    if whole and inflater and size and (not inflater.eof or inflater.unused_data):
        raise _undecodable(response)


def _inflated(inflater: _Inflater, chunk: bytes, most: int) -> Iterator[bytes]:
    """What a piece of a compressed body stands for, bit by bit; a piece of more than `most` ends it."""
    while True:
        piece = inflater.decompress(chunk, min(most + 1, MOST_INFLATED))
        chunk = inflater.unconsumed_tail
        if piece:
            yield piece
        if not chunk and len(piece) < MOST_INFLATED:
            return


def _undecodable(response: httpx.Response) -> httpx.DecodingError:
    return httpx.DecodingError("the response is not what its Content-Encoding says", request=response.request)


def _inflater(encoding: str) -> _Inflater | None:
    """For servers that compress, asked or not; None leaves the body as it is."""
    if encoding.strip().lower() not in {"gzip", "x-gzip", "deflate"}:
        return None
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by their header
