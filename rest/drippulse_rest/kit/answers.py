"""Answers: JSON bytes with the headers that go with them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from litestar import Response
from litestar.enums import MediaType

from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse_rest.kit.request import ApiRequest


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    """`value` encoded by orjson."""
    return Response(orjson.dumps(value), status_code=status, media_type=MediaType.JSON, headers=headers)


def no_content() -> Response[None]:
    return Response(None, status_code=204)


def list_answer(request: ApiRequest, wanted: ListRequest | PageRequest, value: Mapping[str, Any]) -> Response[bytes]:
    """A list with its `Link` header (RFC 8288): first, prev, next, last by page, or next by cursor."""
    page = wanted.page if isinstance(wanted, ListRequest) else wanted
    links = page_links(page, value) if page.paginated else {}
    if not links:
        return json_answer(value)
    base = f"{request.url.path}"
    given = {name: text for name, text in request.query_params.items() if name not in {"page", "cursor", "per_page"}}
    header = ", ".join(
        f'<{base}?{urlencode({**given, "per_page": page.limit, **target})}>; rel="{rel}"'
        for rel, target in links.items()
    )
    return json_answer(value, headers={"link": header})


def page_links(page: PageRequest, value: Mapping[str, Any]) -> dict[str, dict[str, int | str]]:
    """Relation -> the query parameters that lead there. Where the total is a lower bound nobody knows the last page."""
    cursor = value.get("next_cursor")
    if not page.numbered:
        return {"next": {"cursor": cursor}} if cursor else {}
    exact = not value.get("total_count_is_lower_bound")
    last = max(1, -(-int(value["total_count"]) // (page.limit or 1)))
    links: dict[str, dict[str, int | str]] = {"first": {"page": 1}}
    if page.page > 1:
        links["prev"] = {"page": min(page.page - 1, last) if exact else page.page - 1}
    if page.page < last or (cursor and not exact):
        links["next"] = {"page": page.page + 1}
    return {**links, "last": {"page": last}} if exact else links
