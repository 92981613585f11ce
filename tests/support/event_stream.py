"""Reading server-sent events of GraphQL over a real connection."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class ServerEvent:
    name: str
    id: str | None
    data: dict[str, Any]


class EventStream:
    """The events of one answer."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines: AsyncIterator[str] = response.aiter_lines()

    async def place(self) -> str | None:
        """The `id` of the head of a subscription, which comes before any event."""
        fields = await asyncio.wait_for(self._block(), PATIENCE)
        assert "event" not in fields, fields
        return fields.get("id")

    async def receive(self, patience: float = PATIENCE) -> ServerEvent:
        """Raises TimeoutError, StopAsyncIteration at the end of the stream."""
        return await asyncio.wait_for(self._next(), patience)

    async def value(self, patience: float = PATIENCE) -> Any:
        """The value of the one field of the next event, which must have no errors."""
        event = await self.receive(patience)
        assert event.name == "next", event
        assert "errors" not in event.data, event
        (value,) = event.data["data"].values()
        return value

    async def _next(self) -> ServerEvent:
        while True:
            fields = await self._block()
            if "event" in fields:
                return ServerEvent(fields["event"], fields.get("id"), json.loads(fields["data"]))

    async def _block(self) -> dict[str, str]:
        """The fields up to an empty line; none of a comment."""
        fields: dict[str, str] = {}
        while line := await anext(self._lines):
            if not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
        return fields


@asynccontextmanager
async def event_stream(
    url: str, token: str, query: str, variables: dict[str, Any] | None = None, **headers: str
) -> AsyncGenerator[EventStream]:
    """The answer to one operation as server-sent events."""
    sent = {"authorization": f"Bearer {token}", "accept": "text/event-stream", **headers}
    body = {"query": query, "variables": variables or {}}
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as client,
        client.stream("POST", "/graphql", json=body, headers=sent) as response,
    ):
        yield EventStream(response)
