"""A real SMTP server on loopback that keeps a ledger, and misbehaves on demand."""

import asyncio
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from typing import Self

from tests.support.closing import stop_listening


class Behaviour(StrEnum):
    ACCEPT = "accept"
    DROP_AT_GREETING = "drop_at_greeting"
    HANG_AT_GREETING = "hang_at_greeting"
    REFUSE_TEMPORARILY = "refuse_temporarily"
    REFUSE_RECIPIENT = "refuse_recipient"
    TAKE_AND_DROP = "take_and_drop"
    TAKE_AND_HANG = "take_and_hang"
    TAKE_AND_WAIT = "take_and_wait"
    WAIT_AND_REFUSE = "wait_and_refuse"


@dataclass(frozen=True, slots=True)
class Taken:
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    taken_at: float = field(default_factory=time.time)

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)


@dataclass
class SmtpSink:
    """Takes mail on a free port. `ledger` holds every message whose content arrived, answered or not.

    The behaviours that wait do so until `gate` is set.
    """

    behaviour: Behaviour = Behaviour.ACCEPT
    keep: bool = True
    ledger: list[Taken] = field(default_factory=list[Taken])
    taken: int = 0
    connections: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        await stop_listening(self._server)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._converse(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.behaviour is Behaviour.DROP_AT_GREETING:
            return
        if self.behaviour is Behaviour.HANG_AT_GREETING:
            await asyncio.sleep(3600)
        writer.write(b"220 sink ESMTP\r\n")
        sender, recipients = "", list[str]()
        while line := await reader.readline():
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"EHLO":
                writer.write(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb == b"MAIL":
                sender, recipients = _path(line), []
                writer.write(b"250 ok\r\n")
            elif verb == b"RCPT":
                writer.write(await self._answer_recipient(line, recipients))
            elif verb == b"DATA":
                writer.write(b"354 go\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.taken += 1
                if self.keep:
                    self.ledger.append(Taken(sender, tuple(recipients), content[:-3].replace(b"\r\n..", b"\r\n.")))
                if not await self._willing():
                    return
                writer.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")

    async def _willing(self) -> bool:
        """Whether the content gets an answer, once that is due."""
        if self.behaviour is Behaviour.TAKE_AND_HANG:
            await asyncio.sleep(3600)
        if self.behaviour is Behaviour.TAKE_AND_WAIT:
            await self.gate.wait()
        return self.behaviour is not Behaviour.TAKE_AND_DROP

    async def _answer_recipient(self, line: bytes, recipients: list[str]) -> bytes:
        if self.behaviour is Behaviour.WAIT_AND_REFUSE:
            await self.gate.wait()
        if self.behaviour in {Behaviour.REFUSE_TEMPORARILY, Behaviour.WAIT_AND_REFUSE}:
            return b"451 try later\r\n"
        if self.behaviour is Behaviour.REFUSE_RECIPIENT:
            return b"550 no such user\r\n"
        recipients.append(_path(line))
        return b"250 ok\r\n"


def _path(line: bytes) -> str:
    return line.split(b"<", 1)[1].split(b">", 1)[0].decode()
