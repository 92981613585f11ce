"""`/public/lead_forms/{token}`: the form for those who fill it in. The token in the address is the credential."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from drippulse.kit import strict_json
from drippulse.kit.errors import BadRequestError, DomainError, RateLimitedError
from drippulse.lead_forms.errors import FormRefusedError
from drippulse.lead_forms.submitting import OpenForm, PublicForms, Submission
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest, UnsupportedMediaTypeError
from drippulse_rest.lead_forms.page import content_security_policy, form_page, message_page, thanks_page

PUBLIC = {"public": True}
Token = FromPath[str]
BASE = "/public/lead_forms"
BODY_LIMIT = 131_072
MOST_FIELDS = 200
A_MINUTE = 10
"""Sendings of one form from one address."""
TITLES = {404: "No such form", 410: "This form is closed", 429: "Please wait a moment"}


def _forms(request: ApiRequest) -> PublicForms:
    services = request.services
    return PublicForms(services.database, services.settings, services.waker, services.clock)


def _html(page: str, form: OpenForm | None, *, embedded: bool, status: int = 200, **more: str) -> Response[Any]:
    headers = {"cache-control": "no-store", "referrer-policy": "no-referrer", **more}
    headers["content-security-policy"] = content_security_policy(form, page, embedded=embedded)
    return Response(page, status_code=status, media_type=MediaType.HTML, headers=headers)


def _told(error: DomainError) -> Response[Any]:
    """An error as a person reads it."""
    page = message_page(TITLES.get(error.status, "This did not work"), error.message)
    more = {"retry-after": str(error.retry_after)} if isinstance(error, RateLimitedError) else {}
    return _html(page, None, embedded=False, status=error.status, **more)


async def _show(request: ApiRequest, token: str, *, embedded: bool) -> Response[Any]:
    forms = _forms(request)
    try:
        form = await forms.find(token)
    except DomainError as error:
        return _told(error)
    page = form_page(form, _path(token, embedded=embedded), forms.stamp(form), {}, {})
    return _html(page, form, embedded=embedded)


async def _thanks(request: ApiRequest, token: str, *, embedded: bool) -> Response[Any]:
    try:
        form = await _forms(request).find(token)
    except DomainError as error:
        return _told(error)
    return _html(thanks_page(form), form, embedded=embedded)


async def _take(request: ApiRequest, token: str, *, embedded: bool) -> Response[Any]:
    """A form by a browser, or JSON by a program; each gets an answer of its kind."""
    if request.content_type[0] == "application/json":
        return await _take_json(request, token)
    forms = _forms(request)
    try:
        form = await forms.find(token)
        await _not_too_often(request, form)
        given = await _read_form(request)
    except DomainError as error:
        return _told(error)
    path = _path(token, embedded=embedded)
    try:
        await forms.submit(form, Submission(given, request.client_address))
    except FormRefusedError as error:
        page = form_page(form, path, forms.stamp(form), given, error.errors)
        return _html(page, form, embedded=embedded, status=422)
    # A GET follows, so that reloading the page sends nothing again.
    target = form.row["redirect_url"] or f"{path}/thanks"
    return Response(None, status_code=303, headers={"location": target, "cache-control": "no-store"})


async def _take_json(request: ApiRequest, token: str) -> Response[bytes]:
    forms = _forms(request)
    form = await forms.find(token)
    await _not_too_often(request, form)
    given = strict_json.loads(await request.json_bytes())
    if not isinstance(given, dict):
        raise BadRequestError("Send a JSON object with the fields of the form.")
    await forms.submit(form, Submission(cast("dict[str, Any]", given), request.client_address))
    row = form.row
    return json_answer({"message": row["success_message"], "redirect_url": row["redirect_url"]}, status=201)


async def _not_too_often(request: ApiRequest, form: OpenForm) -> None:
    """Raises RateLimitedError; nothing while Redis is away."""
    bucket = f"lead_form:{form.id}:{request.client_address}"
    allowance = await request.services.rate_limiter.take(bucket, A_MINUTE)
    if allowance is not None and allowance.retry_after is not None:
        sentence = f"This form was sent too often from here. Try again in {allowance.retry_after} s."
        raise RateLimitedError(sentence, allowance.retry_after)


async def _read_form(request: ApiRequest) -> Mapping[str, str]:
    if request.content_type[0] != "application/x-www-form-urlencoded":
        raise UnsupportedMediaTypeError("Send the form as application/x-www-form-urlencoded or application/json.")
    raw = await request.body()
    try:
        return dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except ValueError:
        raise BadRequestError("The form could not be read: it is no UTF-8, or has too many fields.") from None


def _path(token: str, *, embedded: bool) -> str:
    return f"{BASE}/{token}/embed" if embedded else f"{BASE}/{token}"


@get(BASE + "/{token:str}", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML)
async def show_form(request: ApiRequest, token: Token) -> Response[Any]:
    return await _show(request, token, embedded=False)


@get(BASE + "/{token:str}/thanks", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML)
async def show_thanks(request: ApiRequest, token: Token) -> Response[Any]:
    return await _thanks(request, token, embedded=False)


@get(BASE + "/{token:str}/embed", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML)
async def show_embedded(request: ApiRequest, token: Token) -> Response[Any]:
    return await _show(request, token, embedded=True)


@get(BASE + "/{token:str}/embed/thanks", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML)
async def show_embedded_thanks(request: ApiRequest, token: Token) -> Response[Any]:
    return await _thanks(request, token, embedded=True)


@get(BASE + "/{token:str}/stamp", opt=PUBLIC, include_in_schema=False)
async def get_stamp(request: ApiRequest, token: Token) -> Response[bytes]:
    """For programs that send JSON: what goes into `_stamp`."""
    forms = _forms(request)
    form = await forms.find(token)
    return json_answer({"stamp": forms.stamp(form)})


@post(BASE + "/{token:str}", opt=PUBLIC, include_in_schema=False, request_max_body_size=BODY_LIMIT)
async def take_form(request: ApiRequest, token: Token) -> Response[Any]:
    return await _take(request, token, embedded=False)


@post(BASE + "/{token:str}/embed", opt=PUBLIC, include_in_schema=False, request_max_body_size=BODY_LIMIT)
async def take_embedded(request: ApiRequest, token: Token) -> Response[Any]:
    return await _take(request, token, embedded=True)


PAGES: Sequence[HTTPRouteHandler] = (
    show_form,
    show_thanks,
    show_embedded,
    show_embedded_thanks,
    get_stamp,
    take_form,
    take_embedded,
)
