"""/dev/mailbox: mounted in development only, without credentials; it shows what this machine would have sent."""

from typing import Annotated, Any

from litestar import Response, Router, delete, get
from litestar.enums import MediaType
from litestar.params import FromQuery, PathParameter, QueryParameter

from drippulse.kit.db import Database, Role
from drippulse.kit.errors import not_found
from drippulse_server.mailbox import queries
from drippulse_server.mailbox.message import mail_json, read_mail
from drippulse_server.mailbox.page import CONTENT_SECURITY_POLICY, list_page, mail_page

PAGE_SIZE = 50
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LARGEST_ID = 2**63 - 1

Limit = Annotated[int, QueryParameter(ge=1, le=500)]
Before = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID)]
MailId = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]


def mailbox_router(database: Database) -> Router:
    """The mailbox's routes over `database`, which the application opens and closes."""

    @get("/dev/mailbox", media_type=MediaType.HTML, operation_id="listCaughtMails", summary="The mailbox, as a page")
    async def show_list(to: FromQuery[str] = "", subject: FromQuery[str] = "", before: Before = None) -> Response[str]:
        wanted = queries.MailFilter(to.strip(), subject.strip())
        async with database.session(Role.APP) as session:
            total = await queries.count_mails(session, wanted)
            mails = await queries.newest_summaries(session, wanted, before=before, limit=PAGE_SIZE + 1)
        older = mails[PAGE_SIZE - 1].id if len(mails) > PAGE_SIZE else None
        page = list_page(mails[:PAGE_SIZE], total, to=wanted.to, subject=wanted.subject, older=older)
        return Response(page, media_type=MediaType.HTML, headers=HEADERS)

    @get("/dev/mailbox/{mail_id:int}", media_type=MediaType.HTML, operation_id="showCaughtMail", summary="One mail")
    async def show_mail(mail_id: MailId) -> Response[str]:
        async with database.session(Role.APP) as session:
            found = await queries.find_mail(session, mail_id)
        if found is None:
            raise not_found("mail")
        return Response(mail_page(read_mail(*found)), media_type=MediaType.HTML, headers=HEADERS)

    @get("/dev/mailbox/{mail_id:int}/raw", operation_id="downloadCaughtMail", summary="A mail as it came (RFC 5322)")
    async def show_raw(mail_id: MailId) -> Response[bytes]:
        async with database.session(Role.APP) as session:
            found = await queries.find_mail(session, mail_id)
        if found is None:
            raise not_found("mail")
        return Response(found[1], media_type="text/plain; charset=utf-8", headers=HEADERS)

    @get("/dev/mailbox.json", operation_id="readCaughtMails", summary="The newest caught mails, with their content")
    async def read_json(
        to: FromQuery[str] = "", subject: FromQuery[str] = "", limit: Limit = 100
    ) -> Response[dict[str, Any]]:
        wanted = queries.MailFilter(to.strip(), subject.strip())
        async with database.session(Role.APP) as session:
            total = await queries.count_mails(session, wanted)
            mails = await queries.newest_mails(session, wanted, limit=limit)
        return Response({"messages": [mail_json(mail) for mail in mails], "total_count": total}, headers=HEADERS)

    @delete("/dev/mailbox.json", status_code=200, operation_id="emptyMailbox", summary="Empty the mailbox")
    async def empty() -> dict[str, int]:
        async with database.session(Role.APP) as session:
            return {"deleted": await queries.delete_mails(session)}

    handlers = [show_list, show_mail, show_raw, read_json, empty]
    return Router(path="/", route_handlers=handlers, tags=["Mailbox (development)"])
