"""The one HTTP client for calls to third parties, with the SSRF guard in its network layer.

A name is resolved once, every address it has is checked, the connection goes to a checked address, and the peer is
checked again once connected. Redirects are never followed and proxy variables are ignored.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, cast

import anyio
import httpcore
import httpx

from drippulse.kit.errors import DomainError

MAX_RESPONSE_BYTES = 1_048_576
USER_AGENT = "DripPulse/0.1"


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
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def static_problem(url: str, allow: frozenset[str] = frozenset(), *, development: bool = False) -> str | None:
    """What is wrong with `url` as far as its text tells (no name is resolved), or None.

    Plain http passes in development to loopback only, and wherever `allow` has the `host:port` pair.
    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.host, parsed.port or {"https": 443, "http": 80}.get(parsed.scheme, 0)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return f"{url!r} is not a URL; write it as https://host/path."
    if parsed.scheme not in {"http", "https"} or not host:
        return "Only https URLs with a host are called."
    if f"{host}:{port}" in allow:
        return None
    if parsed.userinfo:
        return "Credentials do not belong in a URL; send them in a header."
    if parsed.scheme == "http" and not (development and host in {"localhost", "127.0.0.1", "::1"}):
        return "Only https URLs are called; write https:// instead of http://."
    literal = _as_literal(host)
    if literal is not None and not is_public(literal):
        return f"{host} is a private or reserved address and is never called."
    return None


def _as_literal(host: str) -> str | None:
    """The address that a resolver would read from `host` when it is any spelling of an IP literal."""
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare.split("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(bare))
    except (OSError, UnicodeError):
        return "127.0.0.1" if bare.rstrip(".").lower() == "localhost" or bare.lower().endswith(".localhost") else None


class _GuardedStream(httpcore.AsyncNetworkStream):
    """An anyio stream with the shape httpcore wants."""

    def __init__(self, inner: httpcore.AsyncNetworkStream, allowed: bool) -> None:
        self._inner = inner
        peer = inner.get_extra_info("server_addr")
        if not allowed and not (peer and is_public(str(peer[0]))):
            raise EgressRefusedError("The connection reached a private address and was closed.")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return await self._inner.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks every address, connects to a checked one and checks the peer."""

    def __init__(self, allow: frozenset[str]) -> None:
        self._allow = allow
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

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
        for address in await self._resolve(host, port, timeout, allowed):
            try:
                stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
                continue
            return _GuardedStream(stream, allowed)
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def _resolve(self, host: str, port: int, timeout: float | None, allowed: bool) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from error
        except OSError as error:
            raise httpcore.ConnectError(f"{host} does not resolve") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not allowed and not all(is_public(address) for address in addresses):
            raise EgressRefusedError(f"{host} resolves to a private or reserved address and is never called.")
        return addresses

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise EgressRefusedError("Unix sockets are never called.")

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over a connection pool whose network layer is guarded."""

    def __init__(self, allow: frozenset[str]) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=200,
            max_keepalive_connections=50,
            keepalive_expiry=30,
            network_backend=GuardedBackend(allow),
        )


class OutboundHttp:
    """The platform's client for connectors, webhooks and imports.

    Args:
        allow: `host:port` pairs the guard lets pass (development and tests).
        development: plain http to loopback addresses passes the text check, and only together with `allow` the guard.
    """

    def __init__(self, allow: frozenset[str] = frozenset(), *, development: bool = False) -> None:
        self._allow = allow
        self._development = development
        self._client = httpx.AsyncClient(
            transport=_GuardedTransport(allow),
            follow_redirects=False,
            trust_env=False,
            headers={"user-agent": USER_AGENT},
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
                    body = b"".join([chunk async for chunk in _capped(response)])
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

    async def aclose(self) -> None:
        await self._client.aclose()


async def _capped(response: httpx.Response) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            raise ResponseTooLargeError(
                f"the response is larger than {MAX_RESPONSE_BYTES} bytes", request=response.request
            )
        yield chunk
