"""The world outside: a mail server and an HTTP receiver that keep the ledger and misbehave when told."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import orjson

from tests.chaos.evidence import Arrival, Effect
from tests.support.closing import stop_listening
from tests.support.smtp_sink import SmtpSink

MESSAGE_ID = re.compile(r"<(\d+)\.(\d+)\.(\d+)@drippulse>")
KEY = re.compile(r"drippulse-(\d+)-(\d+)-(\d+)")
UNSUBSCRIBE = re.compile(r"<(http[^>]*unsubscribe[^>]*)>")
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Mood(StrEnum):
    """How the HTTP receiver answers. Whatever it answers, the request was taken and stands in the ledger."""

    FINE = "fine"
    HANG = "hangs"
    TRICKLE = "1 byte/s"
    BUSY = "429 with Retry-After"
    BUSY_UNTIL = "429 with a date"
    DONE_BUT_500 = "500 after doing it"
    CUT = "cuts the connection"


@dataclass
class Receiver:
    """`POST /hook` (at least once) and `POST /do` (keyed by Idempotency-Key), on a free port.

    `POST /second-time` is a hook that answers the first call for each contact with 400.
    """

    mood: Mood = Mood.FINE
    arrivals: list[Arrival] = field(default_factory=list[Arrival])
    _refused: set[str] = field(default_factory=set[str])
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._track, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await stop_listening(self._server)
        await self._server.wait_closed()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was closed goes

    def _track(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # also of one that is cancelled before it begins

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            arrival = self._note(head.decode("latin-1"), body)
            refused = b" /second-time " in head and arrival.token not in self._refused
            if refused:
                self._refused.add(arrival.token)
            await self._answer(writer, self.mood, 400 if refused else 200)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _note(self, head: str, body: bytes) -> Arrival:
        told = orjson.loads(body)
        effect, header = (Effect.KEYED, "idempotency-key") if " /do " in head else (Effect.AT_LEAST_ONCE, "webhook-id")
        value = next(line.partition(":")[2] for line in head.splitlines() if line.lower().startswith(f"{header}:"))
        key = KEY.search(value)
        assert key is not None, head
        organization, enrollment, visit = map(int, key.groups())
        token, step = told["text"].split("|")
        arrival = Arrival(effect, value.strip(), organization, enrollment, visit, token, step, token, time.time())
        self.arrivals.append(arrival)
        return arrival

    @staticmethod
    async def _answer(writer: asyncio.StreamWriter, mood: Mood, status: int) -> None:
        if mood is Mood.HANG:
            await asyncio.sleep(60)
        if mood in {Mood.CUT, Mood.HANG}:
            return
        extra = ""
        if mood is Mood.BUSY:
            status, extra = 429, "Retry-After: 1\r\n"
        elif mood is Mood.BUSY_UNTIL:
            moment = time.strftime(HTTP_DATE, time.gmtime(time.time() + 1))
            status, extra = 429, f"Retry-After: {moment}\r\n"
        elif mood is Mood.DONE_BUT_500:
            status = 500
        date = time.strftime(HTTP_DATE, time.gmtime())
        answer = (
            f"HTTP/1.1 {status} -\r\nDate: {date}\r\nContent-Length: 2\r\nConnection: close\r\n{extra}\r\n{{}}".encode()
        )
        pieces = [answer[at : at + 1] for at in range(len(answer))] if mood is Mood.TRICKLE else [answer]
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if mood is Mood.TRICKLE:
                await asyncio.sleep(1)


def mails(sink: SmtpSink) -> list[Arrival]:
    """The sink's ledger; the subject is `token|step`, the recipient `token@example.com`."""
    found: list[Arrival] = []
    for taken in sink.ledger:
        message = taken.message
        key = str(message["Message-ID"])
        match = MESSAGE_ID.search(key)
        assert match is not None, key
        visit, enrollment, organization = map(int, match.groups())
        token, step = str(message["Subject"]).split("|")
        addressee = taken.recipients[0].split("@")[0]
        found.append(
            Arrival(Effect.AT_MOST_ONCE, key, organization, enrollment, visit, token, step, addressee, taken.taken_at)
        )
    return found


def unsubscribe_link(content: bytes) -> str | None:
    """The RFC 8058 link of a mail."""
    header = content.partition(b"\r\n\r\n")[0].decode(errors="replace").replace("\r\n ", "").replace("\r\n\t", "")
    found = UNSUBSCRIBE.search(header)
    return found[1] if found else None
