"""`GET /graphql/schema.graphql`: the schema for tools, as it is committed."""

import hashlib
from functools import lru_cache
from typing import Any

from litestar import Request, Response

from drippulse_graphql.schema import sdl

MEDIA_TYPE = "text/plain"


@lru_cache
def _published() -> tuple[bytes, str]:
    content = sdl().encode()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def sdl_answer(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The SDL, or 304 to whoever has it already."""
    content, etag = _published()
    headers = {"etag": etag, "cache-control": "private, no-cache", "vary": "authorization"}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if known & {etag, "*"}:
        return Response(b"", status_code=304, media_type=MEDIA_TYPE, headers=headers)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
