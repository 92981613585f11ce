"""`/graphql` as a WebSocket, in the protocol graphql-transport-ws."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketException
from litestar.handlers import WebsocketRouteHandler

from drippulse.kit.errors import DomainError, UnauthenticatedError
from drippulse.organizations.policy import Principal
from drippulse_graphql.kit.errors import domain_error, internal_error
from drippulse_graphql.kit.http import bearer_token, read_post
from drippulse_graphql.subscriptions.errors import (
    CredentialEndedError,
    RefusedError,
    TooManySubscriptionsError,
)
from drippulse_graphql.subscriptions.protocol import (
    SUBPROTOCOL,
    Close,
    CloseCode,
    Connection,
    Initialise,
    Send,
    Start,
    Stop,
    complete_text,
    error_text,
    next_text,
)
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.subscriber import Subscriber
from drippulse_graphql.subscriptions.turns import Turn
from drippulse_graphql.subscriptions.wards import Ward

CLOSE_SECONDS = 2.0
SILENT_PINGS = 2
PING = '{"type":"ping"}'

GONE = (WebSocketException, RuntimeError, OSError)
"""What sending and receiving raise once the client has gone."""

Socket = WebSocket[Any, Any, Any]
log = structlog.get_logger("drippulse.graphql")


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: how long a `connection_init` may take, and between pings."""

    init: float = 3.0
    ping: float = 25.0


USUAL_PACE = Pace()


def websocket_route(streams: Streams, pace: Pace = USUAL_PACE) -> WebsocketRouteHandler:
    @websocket("/")
    async def graphql_socket(socket: Socket) -> None:
        if SUBPROTOCOL not in socket.scope["subprotocols"]:
            await socket.accept()
            await socket.close(CloseCode.SUBPROTOCOL, "Subprotocol not acceptable")
            return
        await socket.accept(subprotocols=SUBPROTOCOL)
        await _Session(streams, socket, pace).run()

    return graphql_socket


class _Session:
    """One socket from its first message to its close. Beyond its operations it has no task of its own."""

    __slots__ = (
        "_alarm",
        "_beginning",
        "_caller",
        "_closed",
        "_closing",
        "_connection",
        "_extra",
        "_pace",
        "_running",
        "_socket",
        "_streams",
        "_tasks",
        "_unanswered",
        "_ward",
        "_writing",
    )

    def __init__(self, streams: Streams, socket: Socket, pace: Pace) -> None:
        self._streams = streams
        self._pace = pace
        self._socket = socket
        self._connection = Connection()
        self._caller: Principal | None = None
        self._ward: Ward | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._beginning: list[asyncio.Future[None]] = []
        self._extra: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._unanswered = 0
        self._closed = False
        self._closing: Close | None = None
        self._running = asyncio.current_task()
        self._alarm = asyncio.get_running_loop().call_later(pace.init, self._time_out)

    async def run(self) -> None:
        try:
            while not self._closed:
                message = await self._socket.receive()
                if message["type"] != "websocket.receive":
                    break
                self._unanswered = 0
                await self._act(message.get("text") or message.get("bytes") or "")
        except GONE as error:  # the client has gone
            log.debug("socket_gone", reason=str(error))
        except asyncio.CancelledError:
            if self._closing is None or self._running is None:
                raise
            self._running.uncancel()  # it was `_close`
        finally:
            await self._end()

    async def _act(self, message: str | bytes) -> None:
        match self._connection.received(message):
            case Initialise(payload):
                self._spawn(self._initialise(payload))
            case Start(operation_id, payload):
                await self._start(operation_id, payload)
            case Stop(operation_id):
                task = self._tasks.pop(operation_id, None)
                if task is not None:
                    self._extra.add(task)
                    task.cancel()
                    task.add_done_callback(self._extra.discard)
            case Send(text):
                await self._send(text)
            case Close() as close:
                self._close(close)
            case None:
                pass

    async def _start(self, operation_id: str, payload: dict[str, Any]) -> None:
        try:
            self._streams.limits.one_more_operation(len(self._tasks))
        except TooManySubscriptionsError as error:
            self._connection.finished(operation_id)
            await self._send(error_text(operation_id, domain_error(error)))
        else:
            turn = Turn(self._beginning)
            task = self._tasks[operation_id] = asyncio.create_task(self._operate(operation_id, payload, turn))
            task.add_done_callback(turn.over)

    async def _initialise(self, payload: dict[str, Any]) -> None:
        given = payload.get("authorization", payload.get("Authorization"))
        header = given if isinstance(given, str) else self._socket.headers.get("authorization")
        try:
            self._caller, credential = await self._streams.principal(bearer_token(header), self._socket.scope["state"])
        except UnauthenticatedError as error:
            self._close(self._connection.close(CloseCode.FORBIDDEN, error.message))
            return
        except Exception as error:  # noqa: BLE001 - the database is away, or the credential has sent too much
            reason = error.message if isinstance(error, DomainError) else internal_error(error)["message"]
            self._close(self._connection.close(CloseCode.FORBIDDEN, reason))
            return
        self._ward = Ward(credential, self._credential_ended, self._stopped)
        self._streams.wards.add(self._ward)
        acknowledged = self._connection.accepted()
        if acknowledged is not None:
            await self._say(acknowledged.text)

    async def _operate(self, operation_id: str, payload: dict[str, Any], turn: Turn) -> None:
        """One operation, and the message that ends it, unless the client has ended it."""
        try:
            answer = await self._answer(payload, turn)
            turn.over()
            await self._tell(operation_id, answer)
            last = complete_text(operation_id)
        except RefusedError as refused:
            last = error_text(operation_id, refused.errors)
        except DomainError as error:
            last = error_text(operation_id, domain_error(error))
        except GONE as error:
            log.debug("socket_gone", reason=str(error))
            return
        except Exception as error:  # noqa: BLE001 - masked; the other operations of the socket go on
            last = error_text(operation_id, [internal_error(error)])
        if self._connection.finished(operation_id):
            self._tasks.pop(operation_id, None)
            await self._say(last)

    async def _answer(self, payload: dict[str, Any], turn: Turn) -> Subscriber | bytes:
        if self._caller is None:
            raise UnauthenticatedError("Send connection_init first.")
        await self._streams.count(self._caller, self._socket.scope["state"])
        operation = read_post(orjson.dumps(payload))
        return await self._streams.answer(self._caller, operation, self._socket.headers, before_once=turn.wait)

    async def _tell(self, operation_id: str, answer: Subscriber | bytes) -> None:
        if not isinstance(answer, Subscriber):
            if operation_id in self._connection.active:
                await self._send(next_text(operation_id, answer))
            return
        try:
            async for message in answer.messages():
                await self._send(next_text(operation_id, message.payload))
        finally:
            answer.close()
        if answer.ended is not None:
            raise answer.ended

    async def _send(self, text: str) -> None:
        """Waits while the client does not read."""
        async with self._writing:
            if not self._closed:
                await self._socket.send_data(text)

    async def _say(self, text: str) -> None:
        """What the client need not hear any more once it has gone."""
        with contextlib.suppress(*GONE):
            await self._send(text)

    def _close(self, close: Close) -> None:
        """`run` says so to the client, whatever it waits for: granian sends no close while somebody receives."""
        if not self._closed:
            self._closed, self._closing = True, close
            if self._running is not None and self._running is not asyncio.current_task():
                self._running.cancel()

    def _credential_ended(self) -> None:
        self._close(self._connection.close(CloseCode.FORBIDDEN, CredentialEndedError().message))

    def _stopped(self) -> None:
        self._close(self._connection.close(CloseCode.GOING_AWAY, "This server stops; connect again."))

    def _time_out(self) -> None:
        close = self._connection.timed_out()
        if close is not None:
            self._close(close)
        else:
            self._alarm = asyncio.get_running_loop().call_later(self._pace.ping, self._ping)

    def _ping(self) -> None:
        """A client that answers nothing for a while has gone without saying so."""
        if self._unanswered >= SILENT_PINGS:
            self._close(self._connection.close(CloseCode.GOING_AWAY, "No answer to pings"))
            return
        if self._caller is not None:
            self._unanswered += 1
            if not self._writing.locked():  # else it does not read, and would answer nothing either
                self._spawn(self._say(PING))
        self._alarm = asyncio.get_running_loop().call_later(self._pace.ping, self._ping)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._extra.add(task)
        task.add_done_callback(self._extra.discard)

    async def _end(self) -> None:
        self._closed = True
        self._alarm.cancel()
        try:
            await self._wind_up()
        finally:
            if self._ward is not None:
                self._streams.wards.remove(self._ward)

    async def _wind_up(self) -> None:
        tasks = [*self._tasks.values(), *self._extra]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._closing is not None:
            with contextlib.suppress(TimeoutError, *GONE):
                code, reason = self._closing.code.value, self._closing.reason
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._socket.close(code, reason)
