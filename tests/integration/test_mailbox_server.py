"""The local mailbox: SMTP in, PostgreSQL, and what the page reads back."""

import asyncio
import os
import smtplib
import socket
import time
from collections.abc import AsyncGenerator, Generator
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import aiosmtplib
import asyncpg
import httpx
import pytest
from litestar import Litestar, Request, Response

from drippulse.kit.db import Database, Role
from drippulse.kit.errors import DomainError
from drippulse.settings import Settings
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.mailbox import queries
from drippulse_server.mailbox.routes import mailbox_router
from drippulse_server.mailbox.server import SIZE_LIMIT, mailbox_server
from drippulse_server.up.preparation import prepare_database


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedPostgres]:
    running = EmbeddedPostgres(tmp_path_factory.mktemp("mailbox"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
async def settings(postgres: EmbeddedPostgres) -> Settings:
    values = {"DRIPPULSE_DATABASE_URL": postgres.database_url, "DRIPPULSE_DATABASE_OWNER_URL": postgres.owner_url}
    await prepare_database({**os.environ, **values})
    return Settings(database_url=postgres.database_url)


@pytest.fixture(scope="module")
async def database(settings: Settings) -> AsyncGenerator[Database]:
    opened = Database(settings)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def port(settings: Settings, database: Database) -> AsyncGenerator[int]:
    async with database.session(Role.APP) as session:
        await queries.delete_mails(session)
    async with mailbox_server(settings.database_url, 0) as number:
        yield number


@pytest.fixture
async def client(database: Database) -> AsyncGenerator[httpx.AsyncClient]:
    def problem(_: Request[Any, Any, Any], error: DomainError) -> Response[dict[str, str]]:
        return Response({"error": error.error_code}, status_code=error.status)

    app = Litestar([mailbox_router(database)], openapi_config=None, exception_handlers={DomainError: problem})
    # in our event loop, since a pool belongs to one
    transport = httpx.ASGITransport(app)  # pyright: ignore[reportArgumentType] - Litestar types its scopes more narrowly
    async with httpx.AsyncClient(transport=transport, base_url="http://mailbox.test") as opened:
        yield opened


def message(subject: str = "Hello", to: str = "ada@example.com", text: str = "Hi") -> EmailMessage:
    made = EmailMessage(policy=SMTP_POLICY)
    made["From"] = "Drip <drip@example.com>"
    made["To"] = to
    made["Subject"] = subject
    made.set_content(text)
    made.add_alternative(f"<p>{text}</p>", subtype="html")
    return made


async def send(port: int, *mails: EmailMessage) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        for mail in mails:
            await smtp.send_message(mail)


async def test_a_mail_is_in_the_database_once_it_was_answered_250(port: int, database: Database) -> None:
    await send(port, message(subject="Grüße an Zoë"))
    async with database.session(Role.APP) as session:
        (mail,) = await queries.newest_mails(session, queries.MailFilter(), limit=10)
    assert mail.summary.subject == "Grüße an Zoë"
    assert mail.summary.envelope_from == "drip@example.com"
    assert mail.summary.envelope_to == ("ada@example.com",)
    assert mail.text == "Hi\n"
    assert mail.html == "<p>Hi</p>\n"


async def test_the_message_is_kept_to_the_byte(port: int, client: httpx.AsyncClient) -> None:
    content = b"Subject: raw\r\nX-Odd:  two  blanks \r\n\r\n.leading dot\r\n..two dots\r\n\xff\xfe\r\n"

    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("a@example.com", ["b@example.com", "c@example.com"], content)

    await asyncio.to_thread(deliver)
    (told,) = (await client.get("/dev/mailbox.json")).json()["messages"]
    assert told["to"] == ["b@example.com", "c@example.com"]
    raw = await client.get(f"/dev/mailbox/{told['id']}/raw")
    assert raw.content == content
    assert raw.headers["content-type"].startswith("text/plain")


async def test_addresses_may_have_non_ascii_names(port: int, client: httpx.AsyncClient) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        await smtp.sendmail("zoë@example.com", ["grüße@example.com"], "Subject: hi\r\n\r\n", mail_options=["SMTPUTF8"])
    assert (await client.get("/dev/mailbox.json")).json()["messages"][0]["to"] == ["grüße@example.com"]


async def test_bytes_that_text_columns_refuse_do_not_stop_a_mail(port: int, client: httpx.AsyncClient) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        await smtp.sendmail("a@example.com", ["b@example.com"], b"Subject: nul \x00 byte \xff\r\n\r\nbody \x00\r\n")
    (told,) = (await client.get("/dev/mailbox.json")).json()["messages"]
    assert told["subject"].startswith("nul ")


async def test_a_mail_over_ten_megabytes_is_refused_and_the_next_one_taken(port: int, database: Database) -> None:
    line = b"x" * 900 + b"\r\n"
    huge = b"Subject: huge\r\n\r\n" + line * (SIZE_LIMIT // len(line) + 1)
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await smtp.sendmail("a@example.com", ["b@example.com"], huge)
        assert refused.value.code == 552
    await send(port, message())
    async with database.session(Role.APP) as session:
        assert await queries.count_mails(session, queries.MailFilter()) == 1


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(port: int, database: Database) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HELO x\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: half\r\n")
    await writer.drain()
    await reader.readuntil(b"354")
    writer.close()
    await writer.wait_closed()
    await send(port, message(subject="whole"))
    async with database.session(Role.APP) as session:
        mails = await queries.newest_summaries(session, queries.MailFilter(), before=None, limit=10)
    assert [mail.subject for mail in mails] == ["whole"]


async def test_without_its_database_it_asks_to_try_again(tmp_path: Path) -> None:
    url = f"postgresql://nobody:x@/none?host={tmp_path}&port=5432"
    async with (
        mailbox_server(url, 0) as number,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=number, start_tls=False) as smtp,
    ):
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await smtp.send_message(message())
        assert refused.value.code == 451


async def test_it_takes_mail_again_after_its_connection_was_cut(
    port: int, postgres: EmbeddedPostgres, database: Database
) -> None:
    await send(port, message(subject="before"))
    administrator = await asyncpg.connect(postgres.superuser_url)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'drippulse_login' AND query = 'COMMIT;'"
    )
    assert await administrator.execute(cut) != "SELECT 0"
    await administrator.close()

    async def accepted() -> bool:
        try:
            await send(port, message(subject="after"))
        except aiosmtplib.SMTPResponseException as refused:
            return refused.code != 451
        return True

    deadline = time.monotonic() + 10
    while not await accepted():
        assert time.monotonic() < deadline
    async with database.session(Role.APP) as session:
        assert await queries.count_mails(session, queries.MailFilter(subject="after")) == 1


async def test_a_taken_port_is_refused(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        async with mailbox_server(settings.database_url, taken.getsockname()[1]):
            pass


async def test_mails_that_come_at_once_are_committed_in_groups(port: int, database: Database) -> None:
    content = message().as_bytes()

    async def worker(count: int) -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            for _ in range(count):
                await smtp.sendmail("a@example.com", ["b@example.com"], content)

    await asyncio.gather(*(worker(25) for _ in range(40)))
    async with database.session(Role.APP) as session:
        assert await queries.count_mails(session, queries.MailFilter()) == 1000
        groups = await session.fetchval("SELECT count(DISTINCT xmin::text) FROM dev_mail")
    assert groups < 500


async def test_json_filters_counts_and_limits(port: int, client: httpx.AsyncClient) -> None:
    await send(
        port,
        message(subject="Welcome, Ada", to="ada@example.com"),
        message(subject="Welcome, Bob", to="bob@example.com"),
        message(subject="100% off", to="ada@example.com"),
    )

    async def subjects(query: str) -> tuple[list[str], int]:
        answer = (await client.get(f"/dev/mailbox.json{query}")).json()
        return [told["subject"] for told in answer["messages"]], answer["total_count"]

    assert await subjects("") == (["100% off", "Welcome, Bob", "Welcome, Ada"], 3)
    assert await subjects("?to=ADA@example.com") == (["100% off", "Welcome, Ada"], 2)
    assert await subjects("?subject=welcome&to=bob") == (["Welcome, Bob"], 1)
    assert await subjects("?subject=%25") == (["100% off"], 1)
    assert await subjects("?limit=1") == (["100% off"], 3)
    assert (await client.get("/dev/mailbox.json?limit=0")).status_code == 400


async def test_the_page_lists_shows_and_turns_over(port: int, client: httpx.AsyncClient) -> None:
    await send(port, *(message(subject=f"Mail {number:03}") for number in range(60)))
    page = await client.get("/dev/mailbox")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in page.headers["content-security-policy"]
    assert "Mail 059" in page.text
    assert "Mail 009" not in page.text
    newest: int = (await client.get("/dev/mailbox.json?limit=1")).json()["messages"][0]["id"]
    older = await client.get(f"/dev/mailbox?before={newest - 49}")
    assert "Mail 009" in older.text
    assert "Mail 010" not in older.text
    one = await client.get(f"/dev/mailbox/{newest}")
    assert "Mail 059" in one.text
    assert "<iframe" in one.text


async def test_deleting_empties_the_mailbox(port: int, client: httpx.AsyncClient) -> None:
    await send(port, message(), message())
    assert (await client.delete("/dev/mailbox.json")).json() == {"deleted": 2}
    assert (await client.get("/dev/mailbox.json")).json() == {"messages": [], "total_count": 0}
    assert "No mail yet" in (await client.get("/dev/mailbox")).text


@pytest.mark.parametrize("path", ["/dev/mailbox/9999999", "/dev/mailbox/9999999/raw"])
async def test_an_unknown_mail_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "mail_not_found"}
