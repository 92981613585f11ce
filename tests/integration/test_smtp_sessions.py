"""SMTP as real servers speak it: logins, TLS, transactions left open, connections closed under our hands."""

import asyncio
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from drippulse.messaging.compose import Composed
from drippulse.messaging.smtp import SmtpPool
from drippulse.workflows.steps.base import OutcomeKind
from tests.support.strict_smtp import StrictServer, authenticate, certificate, strict_smtp

PASSWORD = quote("s3cret:@/", safe="")


def mail(recipient: str = "ada@example.com") -> Composed:
    return Composed("from@example.com", recipient, b"Subject: x\r\n\r\nhello\r\n", utf8=False)


def pool_of(server: StrictServer, login: str = "", scheme: str = "smtp") -> SmtpPool:
    return SmtpPool(f"{scheme}://{login}127.0.0.1:{server.port}", timeout=2)


async def test_a_refused_recipient_does_not_harm_the_next_mail_on_the_connection() -> None:
    async with strict_smtp(StrictServer()) as server:
        pool = pool_of(server)
        refused = await pool.send(mail("refused@example.com"))
        assert (refused.kind, refused.code) == (OutcomeKind.FAILED, "smtp_address_refused")
        assert (await pool.send(mail())).kind is OutcomeKind.DONE
        await pool.close()
    assert server.taken == ["ada@example.com"]
    assert len(server.protocols) == 1, "and the connection was kept"


async def test_a_server_that_ends_the_session_with_421_costs_no_attempt() -> None:
    async with strict_smtp(StrictServer(per_connection=2)) as server:
        pool = pool_of(server)
        outcomes = [await pool.send(mail(f"p{n}@example.com")) for n in range(5)]
        await pool.close()
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.DONE] * 5
    assert server.taken == [f"p{n}@example.com" for n in range(5)]


@pytest.mark.parametrize("pause", [0.0, 0.1, 1.2])
async def test_a_server_that_closes_idle_connections_costs_no_attempt(pause: float) -> None:
    async with strict_smtp(StrictServer()) as server:
        pool = pool_of(server)
        await pool.send(mail())
        server.hang_up()
        await asyncio.sleep(pause)
        assert (await pool.send(mail("next@example.com"))).kind is OutcomeKind.DONE
        await pool.close()
    assert server.taken == ["ada@example.com", "next@example.com"]


async def test_a_fresh_connection_that_breaks_before_the_content_is_tried_later() -> None:
    async with strict_smtp(StrictServer(per_connection=0)) as server:
        pool = pool_of(server)
        outcome = await pool.send(mail())
        assert outcome.kind is OutcomeKind.RETRY
        assert "421" in outcome.message
        await pool.close()
    assert len(server.protocols) == 1


async def test_it_logs_in_with_a_password_of_any_characters() -> None:
    async with strict_smtp(StrictServer(), authenticator=authenticate, auth_require_tls=False) as server:
        pool = pool_of(server, f"ada:{PASSWORD}@")
        assert (await pool.send(mail())).kind is OutcomeKind.DONE
        await pool.close()
    assert server.logins == [True]


async def test_a_refused_login_is_tried_later_and_tells_no_password() -> None:
    async with strict_smtp(StrictServer(), authenticator=authenticate, auth_require_tls=False) as server:
        pool = pool_of(server, "ada:wrong-canary@")
        outcome = await pool.send(mail())
        assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "smtp_authentication")
        assert "wrong-canary" not in outcome.message
        await pool.close()


async def test_it_uses_starttls_where_offered_and_logs_in_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    options = {"tls_context": context, "authenticator": authenticate, "auth_required": True}
    async with strict_smtp(StrictServer(), **options) as server:
        pool = pool_of(server, f"ada:{PASSWORD}@")
        assert (await pool.send(mail())).kind is OutcomeKind.DONE
        assert (await pool.send(mail())).kind is OutcomeKind.DONE
        await pool.close()
    assert server.tls == [True, True]


async def test_in_tls_from_the_start_it_knows_that_the_server_takes_any_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, context = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    async with strict_smtp(StrictServer(wrapped=context)) as server:
        pool = pool_of(server, scheme="smtps")
        outcome = await pool.send(replace(mail("zoë@example.com"), utf8=True))
        await pool.close()
    assert (outcome.kind, server.taken) == (OutcomeKind.DONE, ["zoë@example.com"])


async def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    _, context = certificate(tmp_path)
    async with strict_smtp(StrictServer(), tls_context=context) as server:
        pool = pool_of(server)
        outcome = await pool.send(mail())
        assert outcome.kind is OutcomeKind.RETRY
        assert "certificate" in outcome.message.lower()
        await pool.close()
    assert server.taken == []


async def test_any_2xx_answer_to_the_content_means_taken() -> None:
    async with strict_smtp(StrictServer(answer="251 taken, forwarding")) as server:
        pool = pool_of(server)
        assert (await pool.send(mail())).kind is OutcomeKind.DONE
        await pool.close()
    assert server.taken == ["ada@example.com"]


async def test_a_servers_words_that_are_not_utf8_can_be_stored() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 alt\r\n")
        while line := await reader.readline():
            answers = {b"RCPT": b"550-Empf\xe4nger\r\n550 unbekannt\r\n", b"QUIT": b"221 bye\r\n"}
            writer.write(answers.get(line[:4].upper(), b"250 ok\r\n"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        pool = SmtpPool(f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}", timeout=2)
        outcome = await pool.send(mail())
        await pool.close()
    assert outcome.message == "The mail server answered 550 Empf\ufffdnger unbekannt"
