"""Calls to where data comes from: checked redirects, bounded answers, and a second try for what may pass."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import httpcore
import httpx

from drippulse.data_sources.errors import SourceError
from drippulse.data_sources.sources.base import Limits
from drippulse.integrations.outbound import redact
from drippulse.kit.http import EgressRefusedError, OutboundHttp, ResponseTooLargeError

MOST_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
FOR_THE_MOMENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED: Final = frozenset({401, 403})
SHOWN_URL: Final = 200
WEB_PAGE: Final = (b"<!doctype html", b"<html")

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `secret_headers` and `secret_params` go to the first host alone."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    secret_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    secret_params: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes | None = None


@dataclass(slots=True)
class Answer:
    """The head of an answer, and how many bytes of its body were read. `whole`: all of them."""

    status: int
    headers: httpx.Headers
    url: str
    size: int = 0
    whole: bool = True

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class _MomentaryError(Exception):
    """What may pass: worth another attempt after `after` seconds, where the server says so."""

    def __init__(self, sentence: str, after: float | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.after = after


class Fetcher:
    """Calls for one source. No secret of it comes out in an error.

    Args:
        secrets: blotted out of every error.
        pause: how a second attempt is waited for.
    """

    def __init__(
        self, http: OutboundHttp, limits: Limits, secrets: Collection[str] = (), pause: Pause = asyncio.sleep
    ) -> None:
        self._http = http
        self._secrets = secrets
        self._pause = pause
        self.limits = limits

    async def into(self, call: Call, spool: BinaryIO, *, enough: int | None = None) -> Answer:
        """The whole body into a file; with `enough` its beginning, unless it is a ZIP archive (XLSX). Raises
        SourceError."""
        limits = self.limits

        async def take(answer: Answer, pieces: AsyncIterator[bytes]) -> None:
            spool.seek(0)
            spool.truncate()
            answer.size = 0
            async for piece in pieces:
                await asyncio.to_thread(spool.write, piece)
                answer.size += len(piece)
                if enough is not None and answer.size >= enough and not await asyncio.to_thread(_is_archive, spool):
                    answer.whole = False
                    return

        return await self._fetch(call, limits.file_bytes, limits.file_seconds, take)

    async def body(self, call: Call, most: int | None = None) -> tuple[Answer, bytes]:
        """The whole body. Raises SourceError."""
        found = bytearray()

        async def take(answer: Answer, pieces: AsyncIterator[bytes]) -> None:
            found.clear()
            async for piece in pieces:
                found.extend(piece)
            answer.size = len(found)

        answer = await self._fetch(call, most or self.limits.answer_bytes, self.limits.call_seconds, take)
        return answer, bytes(found)

    async def _fetch(
        self, call: Call, most: int, seconds: float, take: Callable[[Answer, AsyncIterator[bytes]], Awaitable[None]]
    ) -> Answer:
        pause = self.limits.pause_seconds
        for attempt in range(1, self.limits.attempts + 1):
            try:
                async with self._answer(call, most, seconds) as (answer, pieces):
                    await take(answer, pieces)
                    return answer
            except _MomentaryError as error:
                if attempt == self.limits.attempts:
                    raise self.error(f"{error.sentence} It was asked {attempt} times.") from None
                after = pause if error.after is None else error.after
                if after > self.limits.longest_pause_seconds:
                    sentence = f"{error.sentence} It asks to wait {after:.0f} seconds, which is too long."
                    raise self.error(sentence) from None
                await self._pause(after)
                pause *= 2
        raise AssertionError  # the last attempt returns or raises

    @asynccontextmanager
    async def _answer(
        self, call: Call, most: int, seconds: float
    ) -> AsyncGenerator[tuple[Answer, AsyncIterator[bytes]]]:
        """The answer behind all redirects. Raises SourceError and _MomentaryError."""
        url, secret = httpx.URL(with_params(call.url, call.secret_params)), True
        method, content = call.method, call.content
        for _ in range(MOST_REDIRECTS + 1):
            headers = {"accept-encoding": "gzip", **call.headers, **(call.secret_headers if secret else {})}
            async with self._streamed(method, url, headers, content, most, seconds) as (response, pieces):
                if response.status_code not in REDIRECTS:
                    self._check(response)
                    yield Answer(response.status_code, response.headers, str(url)), pieces
                    return
                following = self._location(url, response)
            secret = secret and _origin(following) == _origin(url)
            if response.status_code in {301, 302, 303}:
                method, content = "GET", None
            url = following
        raise self.error(f"The address leads through more than {MOST_REDIRECTS} redirects.")

    @asynccontextmanager
    async def _streamed(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None, most: int, seconds: float
    ) -> AsyncGenerator[tuple[httpx.Response, AsyncIterator[bytes]]]:
        """What goes wrong on the way in words. Only errors of the call itself are translated."""
        host, silence = url.host, self.limits.silence_seconds
        try:
            async with self._http.streamed(
                method, str(url), headers=headers, content=content, most_bytes=most, timeout=seconds, silence=silence
            ) as found:
                yield found
        except EgressRefusedError as error:
            raise self.error(error.message) from None
        except ResponseTooLargeError:
            raise self.error(f"{host} sends more than {most} bytes; read a smaller part of it.") from None
        except httpx.DecodingError:
            raise self.error(f"The answer of {host} is not what its Content-Encoding says.") from None
        except (httpx.TimeoutException, httpcore.TimeoutException):
            sentence = f"{host} took too long: no answer for {silence:g} seconds, or none that ended in {seconds:g}."
            raise _MomentaryError(sentence) from None
        except (httpx.ConnectError, httpcore.ConnectError) as error:
            raise _MomentaryError(f"{host} cannot be reached: {str(error)[:200] or 'no connection'}.") from None
        except (httpx.TransportError, httpcore.NetworkError, httpcore.ProtocolError):
            raise _MomentaryError(f"The connection to {host} broke off in the middle of its answer.") from None
        except (httpx.InvalidURL, ValueError):
            raise self.error(f"{str(url)[:SHOWN_URL]} is no address that can be called.") from None

    def _check(self, response: httpx.Response) -> None:
        status, host = response.status_code, response.request.url.host
        if 200 <= status < 300:
            return
        if status in FOR_THE_MOMENT:
            raise _MomentaryError(f"{host} answers {status}.", _retry_after(response.headers.get("retry-after", "")))
        if status in REFUSED:
            raise self.error(f"{host} answers {status}: it does not accept the credentials, or there are none.")
        raise self.error(f"{host} answers {status}; the address must give the rows themselves.")

    def _location(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        try:
            return url.join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            raise self.error(f"{url.host} redirects to what is no address.") from None

    def error(self, sentence: str) -> SourceError:
        return SourceError(redact(sentence, self._secrets))


def with_params(url: str, params: Mapping[str, str]) -> str:
    """The address with these parameters; without any it stays as it is to the letter."""
    return str(httpx.URL(url).copy_merge_params(dict(params))) if params else url


def is_web_page(head: bytes, content_type: str) -> bool:
    """HTML where data should be: a login page, most of the time."""
    return content_type in {"text/html", "application/xhtml+xml"} or head.lstrip()[:20].lower().startswith(WEB_PAGE)


def same_origin(first: str, second: str) -> bool:
    return _origin(httpx.URL(first)) == _origin(httpx.URL(second))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _is_archive(spool: BinaryIO) -> bool:
    place = spool.tell()
    spool.seek(0)
    found = spool.read(4) == b"PK\x03\x04"
    spool.seek(place)
    return found


def _retry_after(text: str) -> float | None:
    """Seconds; dates are not waited for to the second, the usual pause will do."""
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
