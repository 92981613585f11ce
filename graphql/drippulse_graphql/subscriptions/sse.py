"""`/graphql` as server-sent events, one connection for each operation ("distinct connections mode").

Source: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from litestar import Request
from litestar.response import Stream

from drippulse.events.log_position import LogPosition, decode_position, encode_position
from drippulse.kit.errors import DomainError
from drippulse.organizations.policy import Principal
from drippulse.organizations.standing import credential_of
from drippulse.settings import Settings
from drippulse_graphql.kit.errors import domain_error, internal_error
from drippulse_graphql.kit.http import Operation, bearer_token
from drippulse_graphql.subscriptions.errors import CredentialEndedError, RefusedError
from drippulse_graphql.subscriptions.groups import Message
from drippulse_graphql.subscriptions.streams import Streams
from drippulse_graphql.subscriptions.subscriber import Subscriber
from drippulse_graphql.subscriptions.wards import Ward

EVENTS = "text/event-stream"
QUIET_SECONDS = 12.0
STILL_HERE = b":\n\n"
HEAD = b"retry: 1000\n\n"
COMPLETE = b"event: complete\ndata: {}\n\n"


def wants_events(accept: str) -> bool:
    return EVENTS in accept.lower()


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
    try:
        answer = await streams.answer(caller, operation, request.headers, after, read_only=request.method == "GET")
    except RefusedError as refused:
        answer = orjson.dumps({"errors": refused.errors})
    except DomainError as error:
        answer = orjson.dumps({"errors": domain_error(error)})
    if isinstance(answer, bytes):
        return _stream(_once(answer))
    subscriber = answer

    def gone() -> None:
        subscriber.end(CredentialEndedError())

    ward = Ward(credential, gone, subscriber.end)
    streams.wards.add(ward)
    return _stream(_all(streams, subscriber, ward))


def _stream(content: AsyncGenerator[bytes]) -> Stream:
    headers = {"content-type": EVENTS, "cache-control": "no-store", "x-accel-buffering": "no", "vary": "accept"}
    return Stream(content, headers=headers, status_code=200)


async def _once(result: bytes) -> AsyncGenerator[bytes]:
    yield _event(result) + COMPLETE


async def _all(streams: Streams, subscriber: Subscriber, ward: Ward) -> AsyncGenerator[bytes]:
    messages = subscriber.messages()
    waiting: asyncio.Task[Message] | None = None
    try:
        yield HEAD
        while True:
            waiting = waiting or asyncio.create_task(anext(messages))  # pyright: ignore[reportArgumentType]
            done, _ = await asyncio.wait([waiting], timeout=QUIET_SECONDS)
            if not done:
                yield STILL_HERE
                continue
            message, waiting = waiting.result(), None
            yield _event(message.payload, message.position)
    except StopAsyncIteration:
        if subscriber.ended is not None:
            yield _event(orjson.dumps({"errors": domain_error(subscriber.ended)}))
        yield COMPLETE
    except DomainError as error:
        yield _event(orjson.dumps({"errors": domain_error(error)})) + COMPLETE
    except Exception as error:  # noqa: BLE001 - a stream that has begun can only say so and end
        yield _event(orjson.dumps({"errors": [internal_error(error)]})) + COMPLETE
    finally:
        streams.wards.remove(ward)
        if waiting is not None:
            waiting.cancel()
        subscriber.close()


def _event(payload: bytes, position: LogPosition | None = None) -> bytes:
    place = b"" if position is None else f"id: {encode_position(position)}\n".encode()
    return b"event: next\n" + place + b"data: " + payload + b"\n\n"
