"""A JSON document at an address."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator

from drippulse.data_sources.sources.base import Batch, Start
from drippulse.data_sources.sources.fetching import Call, Fetcher
from drippulse.data_sources.sources.items import items_of, numbered, read_json


class JsonDocument:
    """Implements `Source`. Read as a whole; after a break it goes on in the middle if it is still the same."""

    def __init__(self, fetcher: Fetcher, call: Call, items_path: str) -> None:
        self._fetcher = fetcher
        self._call = call
        self._items_path = items_path

    async def batches(self, start: Start) -> AsyncGenerator[Batch]:
        answer, body = await self._fetcher.body(self._call, self._fetcher.limits.document_bytes)
        digest, size = hashlib.sha256(body).hexdigest(), len(body)
        document = await asyncio.to_thread(read_json, body, answer.content_type)
        del body
        items = items_of(document, self._items_path)
        known = start.position is not None and start.position.get("digest") == digest
        done = start.row_number if known else 0
        while True:
            part = items[done : done + start.rows]
            rows, bad = numbered(part, done)
            done += len(part)
            yield Batch(rows, {"digest": digest}, done, bad=bad, size=size)
            size = 0
            if done >= len(items):
                return
