"""An answer that stays open, and whose content is closed with it, however it ends."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from litestar.response import Stream
from litestar.types import ASGIApp, Receive, Scope, Send


class EventStream(Stream):
    """The content is begun before the head is sent: an error up to its first part is answered like that of any request.

    Litestar's own leaves the content as it is when the client goes while a part of it is being sent.
    """

    def __init__(self, content: AsyncGenerator[bytes], *, headers: dict[str, str], status_code: int) -> None:
        super().__init__(content, headers=headers, status_code=status_code)
        self._content = content

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        answered: ASGIApp = self._answer
        return answered

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with contextlib.aclosing(self._content) as content:
            first = await anext(content)
            headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
            await send({"type": "http.response.start", "status": self.status_code or 200, "headers": headers})
            writing = asyncio.create_task(_write(first, content, send))
            leaving = asyncio.create_task(_left(receive))
            try:
                await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (writing, leaving):
                    task.cancel()
                await asyncio.wait({writing, leaving})
        if not writing.cancelled():
            writing.result()


async def _write(first: bytes, content: AsyncGenerator[bytes], send: Send) -> None:
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for part in content:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    """Returns once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
