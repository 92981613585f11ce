"""The `Idempotency-Key` header of writes."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from litestar import Response
from litestar.enums import MediaType

from drippulse.kit import strict_json
from drippulse.kit.db import Session
from drippulse.kit.idempotency.service import once
from drippulse.kit.idempotency.state import Answer, Scope, fingerprint, read_key
from drippulse_rest.kit.request import ApiRequest

HEADER = "idempotency-key"
REPLAYED = "idempotent-replayed"
Work = Callable[[Session], Awaitable[tuple[int, Any]]]


async def write_once(request: ApiRequest, work: Work) -> Response[bytes]:
    """Do a write in one transaction and answer it; a key that was used before answers what it answered then.

    Args:
        request: its body was read and found to be JSON; another one under the same key is refused.
        work: the write; answers (status, JSON value). Errors are not kept, so that the key may be tried again.

    Raises:
        InvalidIdempotencyKeyError (400), IdempotencyMismatchError (422), IdempotencyInFlightError (409)
    """
    key = read_key(request.headers.get(HEADER))
    raw = await request.body()
    async with request.transaction() as session:

        async def answer() -> Answer:
            status, value = await work(session)
            return Answer(status, orjson.dumps(value))

        if key is None:
            return _response(await answer(), replayed=False)
        scope = Scope(request.principal.organization_id, request.scope["method"], request.url.path, key)
        made, replayed = await once(session, scope, fingerprint(strict_json.loads(raw) if raw else {}), answer)
    return _response(made, replayed=replayed)


def _response(answer: Answer, *, replayed: bool) -> Response[bytes]:
    headers = {REPLAYED: "true"} if replayed else None
    return Response(answer.body, status_code=answer.status, media_type=MediaType.JSON, headers=headers)
