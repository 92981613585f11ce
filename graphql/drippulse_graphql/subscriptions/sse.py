"""`/graphql` as server-sent events, one connection for each operation ("distinct connections mode").

Source: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from litestar import Request
from litestar.response import Stream

from drippulse.events.log_position import LogPosition, decode_position, encode_position
from drippulse.kit.errors import DomainError
from drippulse.organizations.policy import Principal
from drippulse.organizations.standing import Credential, credential_of
from drippulse.settings import Settings
from drippulse_graphql.kit.accept import EVENTS
from drippulse_graphql.kit.errors import domain_error, internal_error
from drippulse_graphql.kit.http import Operation, bearer_token
from drippulse_graphql.subscriptions.errors import CredentialEndedError, RefusedError
from drippulse_graphql.subscriptions.groups import Message
from drippulse_graphql.subscriptions.streamed import EventStream
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.subscriber import Subscriber
from drippulse_graphql.subscriptions.wards import Ward

QUIET_SECONDS = 12.0
STILL_HERE = b":\n\n"
RETRY = b"retry: 1000\n"
COMPLETE = b"event: complete\ndata: {}\n\n"


async def event_stream(
    request: Request[Any, Any, Any], streams: Streams, caller: Principal, operation: Operation, settings: Settings
) -> Stream:
    """What is wrong with the operation comes as the first event, as the protocol says.

    Raises:
        BadEventCursorError, InvalidTokenError
    """
    last_seen = request.headers.get("last-event-id")
    after = decode_position(last_seen) if last_seen else None
    credential = credential_of(bearer_token(request.headers.get("authorization")), caller, settings)
    headers, read_only = request.headers, request.method == "GET"

    async def content() -> AsyncGenerator[bytes]:
        """Begun with the answer, so that nothing is open when there is none."""
        try:
            answer = await streams.answer(caller, operation, headers, after, read_only=read_only)
        except RefusedError as refused:
            answer = orjson.dumps({"errors": refused.errors})
        except DomainError as error:
            answer = _failure(domain_error(error))
        if isinstance(answer, bytes):
            yield _event(answer) + COMPLETE
            return
        async with contextlib.aclosing(_told(streams, answer, credential)) as parts:
            async for part in parts:
                yield part

    shown = {"content-type": EVENTS, "cache-control": "no-store", "x-accel-buffering": "no", "vary": "accept"}
    return EventStream(content(), headers=shown, status_code=200)


async def _told(streams: Streams, subscriber: Subscriber, credential: Credential) -> AsyncGenerator[bytes]:
    ward = Ward(credential, lambda: subscriber.end(CredentialEndedError()), subscriber.end)
    streams.wards.add(ward)
    messages = subscriber.messages()
    waiting: asyncio.Task[Message] | None = None
    try:
        yield _head(subscriber.place)
        while True:
            waiting = waiting or asyncio.create_task(anext(messages))  # pyright: ignore[reportArgumentType]
            done, _ = await asyncio.wait([waiting], timeout=QUIET_SECONDS)
            if not done:
                yield STILL_HERE
                continue
            message, waiting = waiting.result(), None
            yield _event(message.payload, message.position)
    except StopAsyncIteration:
        if subscriber.ended is not None:  # else this server stops: without a `complete` clients connect again
            yield _event(_failure(domain_error(subscriber.ended))) + COMPLETE
    except DomainError as error:
        yield _event(_failure(domain_error(error))) + COMPLETE
    except Exception as error:  # noqa: BLE001 - a stream that has begun can only say so and end
        yield _event(_failure([internal_error(error)])) + COMPLETE
    finally:
        subscriber.close()
        streams.wards.remove(ward)
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait([waiting])
        await messages.aclose()


def _failure(errors: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"errors": errors})


def _head(place: LogPosition | None) -> bytes:
    """Without data it is no event, but whoever breaks off before the first one goes on from its `id`."""
    return RETRY + _id(place) + b"\n"


def _event(payload: bytes, position: LogPosition | None = None) -> bytes:
    return b"event: next\n" + _id(position) + b"data: " + payload + b"\n\n"


def _id(position: LogPosition | None) -> bytes:
    return b"" if position is None else f"id: {encode_position(position)}\n".encode()
