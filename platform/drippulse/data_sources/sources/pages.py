"""An HTTP API that answers JSON page by page."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

import httpx
import orjson

from drippulse.crm.importing.portions import text_of
from drippulse.data_sources.errors import SourceError
from drippulse.data_sources.schemas import Paging, PagingType
from drippulse.data_sources.sources.base import Batch, Start
from drippulse.data_sources.sources.fetching import Answer, Call, Fetcher, same_origin, with_params
from drippulse.data_sources.sources.items import items_of, numbered, read_json
from drippulse.data_sources.sources.values import MISSING, walk

LONGEST_TOKEN = 4_000


class JsonPages:
    """Implements `Source`. Its positions are `{"page": what asks for the page, "skip": rows of it that are done}`.

    Args:
        call: of the first page, with the parameters that all pages have.
    """

    def __init__(self, fetcher: Fetcher, call: Call, items_path: str, paging: Paging) -> None:
        self._fetcher = fetcher
        self._call = call
        self._items_path = items_path
        self._paging = paging

    async def batches(self, start: Start) -> AsyncGenerator[Batch]:
        position = start.position or {"page": self._first(), "skip": 0}
        page: Any = position["page"]
        skip = int(position["skip"])
        before = start.row_number - skip
        asked, previous = set[str](), b""
        while page is not None:
            self._refuse_loop(page, asked)
            answer, body = await self._fetcher.body(self._call_of(page))
            document = await asyncio.to_thread(read_json, body, answer.content_type)
            items = items_of(document, self._items_path)
            digest = hashlib.sha256(orjson.dumps(items)).digest()
            if items and digest == previous:
                raise SourceError("Two pages after each other hold the same rows; check config.paging.parameter.")
            previous, size = digest, len(body)
            following = self._next(page, answer, document, len(items)) if items else None
            while skip < len(items):
                part = items[skip : skip + start.rows]
                rows, bad = numbered(part, before + skip)
                skip += len(part)
                place = {"page": page, "skip": skip} if skip < len(items) else {"page": following, "skip": 0}
                yield Batch(rows, place, before + skip, bad=bad, size=size)
                size = 0
            before, skip, page = before + len(items), 0, following

    def _first(self) -> Any:
        return {PagingType.PAGE: self._paging.start, PagingType.OFFSET: 0}.get(self._paging.type, "")

    def _refuse_loop(self, page: Any, asked: set[str]) -> None:
        if len(asked) >= self._fetcher.limits.pages:
            raise SourceError(f"The source has more than {self._fetcher.limits.pages} pages; ask for larger ones.")
        if str(page) in asked:
            raise SourceError("The pages lead in a circle: the next one was read already. Check config.paging.")
        asked.add(str(page))

    def _call_of(self, page: Any) -> Call:
        """The first page is asked for as the configuration has it, those that links lead to as the links say."""
        paging = self._paging
        if isinstance(page, str) and page.startswith(("http://", "https://")):
            return replace(self._call, url=page)
        parameters: dict[str, str] = {}
        if paging.size_parameter:
            parameters[paging.size_parameter] = str(paging.size)
        if paging.parameter and page != "":
            parameters[paging.parameter] = str(page)
        return replace(self._call, url=with_params(self._call.url, parameters))

    def _next(self, page: Any, answer: Answer, document: Any, count: int) -> Any:
        """What asks for the page behind this one; None when it is the last."""
        kind = self._paging.type
        if kind is PagingType.PAGE:
            return int(page) + 1
        if kind is PagingType.OFFSET:
            return int(page) + count
        if kind is PagingType.LINK:
            following = httpx.Response(200, headers=answer.headers).links.get("next", {})
            return self._link(answer, following.get("url"))
        if kind is PagingType.CURSOR:
            return self._cursor(answer, walk(document, self._paging.path))
        return None

    def _cursor(self, answer: Answer, found: Any) -> Any:
        if found is MISSING or found in (None, "", False):
            return None
        if isinstance(found, dict | list) or len(text_of(found)) > LONGEST_TOKEN:
            raise SourceError(f"What stands at {self._paging.path} is no cursor.")
        text = text_of(found)
        if text.startswith(("http://", "https://")) or (not self._paging.parameter and text.startswith(("/", "?"))):
            return self._link(answer, text)
        if not self._paging.parameter:
            raise SourceError("The next cursor is no address; say with config.paging.parameter where it is sent.")
        return text

    def _link(self, answer: Answer, link: str | None) -> str | None:
        """A page's whole address; another host does not get the credentials, and is not asked."""
        if not link:
            return None
        found = urljoin(answer.url, link)
        if not found.startswith(("http://", "https://")) or not same_origin(found, self._call.url):
            raise SourceError("The next page is at another host than the first one; it is not asked for.")
        return found
