"""`/api/v1/track/n/...` and its short alias `/track/n/...`. The signed token in the link is the credential."""

import base64
from collections.abc import Sequence
from contextlib import suppress

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from drippulse.kit.crypto import SignatureError
from drippulse.messaging.engagement import is_prefetch
from drippulse.messaging.service import Tracking, Visitor
from drippulse_rest.tracking.pages import CONTENT_SECURITY_POLICY, broken_page, confirm_page, done_page

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
NO_STORE = {"cache-control": "no-store, private", "referrer-policy": "no-referrer"}
PAGE_HEADERS = {**NO_STORE, "content-security-policy": CONTENT_SECURITY_POLICY}
PUBLIC = {"public": True}


def _visitor(request: Request[None, None, State]) -> Visitor:
    return Visitor(request.method, request.headers.get("user-agent"), is_prefetch(request.headers))


def _broken(error: SignatureError) -> Response[str]:
    return Response(broken_page(error.message), status_code=400, media_type=MediaType.HTML, headers=PAGE_HEADERS)


def create_tracking_handlers(tracking: Tracking) -> Sequence[ControllerRouterHandler]:
    """The handlers of one router."""

    @get("/pixel.gif", opt=PUBLIC, operation_id="trackOpen", media_type="image/gif", summary="Open pixel")
    async def pixel(request: Request[None, None, State], t: FromQuery[str] = "") -> Response[bytes]:
        """Record an open. Always answers the pixel, also for a broken link, so that no mail shows a broken image."""
        with suppress(SignatureError):
            await tracking.opened(t, _visitor(request))
        return Response(PIXEL, media_type="image/gif", headers=NO_STORE)

    @get(
        "/click",
        opt=PUBLIC,
        operation_id="trackClick",
        media_type=MediaType.HTML,
        summary="Click redirect",
        status_code=302,
    )
    async def click(request: Request[None, None, State], t: FromQuery[str] = "") -> Response[str] | Redirect:
        """Record a click and go to the URL that stood in the mail. `u` in the link is never used."""
        try:
            return Redirect(await tracking.clicked(t, _visitor(request)), status_code=302, headers=NO_STORE)
        except SignatureError as error:
            return _broken(error)

    @get(
        "/unsubscribe",
        opt=PUBLIC,
        operation_id="showUnsubscribe",
        media_type=MediaType.HTML,
        summary="Unsubscribe page",
    )
    async def show(request: Request[None, None, State], t: FromQuery[str] = "") -> Response[str]:
        """A page that asks. A GET changes nothing: scanners follow links."""
        try:
            page = confirm_page(await tracking.recipient(t), f"{request.url.path}?{request.url.query}")
        except SignatureError as error:
            return _broken(error)
        return Response(page, media_type=MediaType.HTML, headers=PAGE_HEADERS)

    @post(
        "/unsubscribe",
        opt=PUBLIC,
        operation_id="unsubscribe",
        media_type=MediaType.HTML,
        summary="One-click unsubscribe",
        status_code=200,
    )
    async def unsubscribe(t: FromQuery[str] = "") -> Response[str]:
        """RFC 8058: unsubscribes at once, durably, without asking."""
        try:
            return Response(done_page(await tracking.unsubscribed(t)), media_type=MediaType.HTML, headers=PAGE_HEADERS)
        except SignatureError as error:
            return _broken(error)

    handlers: list[HTTPRouteHandler] = [pixel, click, show, unsubscribe]
    return handlers


def create_tracking_router(tracking: Tracking) -> list[Router]:
    """One router under the documented base and one under the short alias, which the API description leaves out."""
    return [
        Router("/api/v1/track/n", route_handlers=create_tracking_handlers(tracking), tags=["Tracking"]),
        Router("/track/n", route_handlers=create_tracking_handlers(tracking), include_in_schema=False),
    ]
