"""The `Idempotency-Key` of writes, around their handlers."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from litestar import Response

from drippulse.kit.idempotency.service import Answers, Claim, Kept
from drippulse.kit.idempotency.state import Answer, Scope, fingerprint_of, read_key, stored_path, with_query
from drippulse_rest.kit.declarations import Keyed
from drippulse_rest.kit.request import ApiRequest, BodyDigest
from drippulse_rest.kit.signatures import parameter_of, show_as

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotent-replayed"
CONTENT_TYPE: Final = "content-type"

Work: TypeAlias = Callable[[], Awaitable[Response[Any]]]


def once_per_key(handler: Callable[..., Any], how: Keyed) -> Callable[..., Any]:
    """`handler` so that a request with a key that was answered before gets that answer and does nothing.

    The wrapper raises InvalidIdempotencyKeyError (400), IdempotencyMismatchError (422) and IdempotencyInFlightError
    (409). Errors are not kept, so that the key may be tried again.
    """
    request_name = parameter_of(handler, ApiRequest)

    async def handle(**given: Any) -> Response[Any]:
        request: ApiRequest = given[request_name]
        key = read_key(request.headers.get(HEADER))
        if key is None:
            return await handler(**given)
        scope = Scope(request.principal.organization_id, request.scope["method"], stored_path(request.url.path), key)
        do = {Keyed.TOGETHER: _together, Keyed.APART: _apart, Keyed.STREAMED: _streamed}[how]
        return await do(request, scope, lambda: handler(**given))

    return show_as(handle, handler)


async def _together(request: ApiRequest, scope: Scope, work: Work) -> Response[Any]:
    answers, fingerprint = Answers(request.services.vault), await _fingerprint(request)
    async with request.transaction() as session:
        kept = await answers.begin(session, scope)
        if kept is not None:
            return _replayed(kept, fingerprint)
        with request.joined(session):
            response = await work()
        if _is_kept(response):
            await answers.keep(session, scope, fingerprint, _answer(response))
    return response


async def _apart(request: ApiRequest, scope: Scope, work: Work) -> Response[Any]:
    answers, fingerprint = Answers(request.services.vault), await _fingerprint(request)
    found = await _claimed(request, answers, scope, fingerprint)
    if isinstance(found, Kept):
        return _replayed(found, fingerprint)
    async with found.held():
        response = await work()
    return await _settled(found, answers, fingerprint, response)


async def _streamed(request: ApiRequest, scope: Scope, work: Work) -> Response[Any]:
    answers, digest = Answers(request.services.vault), request.watch_body()
    found = await _claimed(request, answers, scope, b"")
    if isinstance(found, Kept):
        return _replayed(found, await _read_to_the_end(request, digest))
    async with found.held():
        response = await work()
        fingerprint = await _read_to_the_end(request, digest)
    return await _settled(found, answers, fingerprint, response)


async def _claimed(request: ApiRequest, answers: Answers, scope: Scope, fingerprint: bytes) -> Kept | Claim:
    async with request.transaction() as session:
        kept = await answers.begin(session, scope)
        return kept or await Claim.take(request.services.database, session, scope, fingerprint)


async def _settled(claim: Claim, answers: Answers, fingerprint: bytes, response: Response[Any]) -> Response[Any]:
    if _is_kept(response):
        await claim.keep(answers, fingerprint, _answer(response))
    else:
        await claim.let_go()
    return response


async def _fingerprint(request: ApiRequest) -> bytes:
    raw = await request.body()
    return fingerprint_of(raw, is_json=request.says_json(), query=request.scope["query_string"])


async def _read_to_the_end(request: ApiRequest, digest: BodyDigest) -> bytes:
    if request.is_connected:
        async for _ in request.stream():
            pass
    return with_query(digest.digest(), request.scope["query_string"])


def _is_kept(response: Response[Any]) -> bool:
    return (response.status_code or 200) < 400


def _answer(response: Response[Any]) -> Answer:
    """Raises TypeError for an answer that is no text or bytes; it could not be given again."""
    content: object = response.content
    if not isinstance(content, bytes | str | None):
        raise TypeError(f"a write answered {type(content).__name__}; give the bytes, so that a key can repeat them")
    body = content.encode() if isinstance(content, str) else content or b""
    headers = {name.lower(): text for name, text in response.headers.items()}
    if response.media_type is not None:
        headers[CONTENT_TYPE] = str(getattr(response.media_type, "value", response.media_type))
    return Answer(response.status_code or 200, body, headers)


def _replayed(kept: Kept, fingerprint: bytes) -> Response[Any]:
    kept.must_match(fingerprint)
    headers = {**kept.answer.headers, REPLAYED: "true"}
    media_type = headers.pop(CONTENT_TYPE, None)
    return Response(kept.answer.body or None, status_code=kept.answer.status, media_type=media_type, headers=headers)
