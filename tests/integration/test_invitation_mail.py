"""The mail that an invitation is sent by: after commit, and in nobody's way."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest

from drippulse.organizations.members.invitations import Invitation, compose
from drippulse.settings import Settings
from drippulse_server.asgi import create_app
from tests.support.lifespan import running
from tests.support.organizations import TestOrganization
from tests.support.smtp_sink import Behaviour, SmtpSink
from tests.support.team import TEAM

Post = Callable[..., Any]
INVITATION = Invitation("ada@example.com", "Grace", "Acme", "Editor", "https://crm.example/invitation#drinv_x")


@asynccontextmanager
async def serving(settings: Settings, organization: TestOrganization, **changes: Any) -> AsyncGenerator[Post]:
    """Another process of the application with these settings; its POST as the organization's Admin."""
    app = create_app(settings.model_copy(update=changes))
    async with running(app):
        transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
        headers = {"authorization": organization.client.headers["authorization"]}
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
            yield client.post


async def test_the_mail_leads_to_the_link_of_the_answer(settings: Settings, organization: TestOrganization) -> None:
    async with SmtpSink() as sink:
        async with serving(
            settings, organization, smtp_url=sink.url, public_url="https://crm.example", mail_from="DP <no@crm.example>"
        ) as post:
            body = {"email": "ada@example.com", "role": "Editor"}
            told = (await post(TEAM, json=body)).json()["invitation"]
            refused = await post(TEAM, json=body)
        [taken] = sink.ledger
    assert refused.status_code == 409
    text = taken.message.get_content()
    assert told["url"].startswith("https://crm.example/invitation#drinv_")
    assert told["url"] in text
    assert f"to join {organization.name} on DripPulse as Editor" in text
    assert (taken.recipients, taken.message["From"]) == (("ada@example.com",), "DP <no@crm.example>")


async def test_sending_again_mails_the_new_link(settings: Settings, organization: TestOrganization) -> None:
    async with SmtpSink() as sink:
        async with serving(settings, organization, smtp_url=sink.url) as post:
            invited = (await post(TEAM, json={"email": "ada@example.com"})).json()
            again = (await post(f"{TEAM}/{invited['id']}/resend")).json()
        texts = [taken.message.get_content() for taken in sink.ledger]
    urls = [one["invitation"]["url"] for one in (invited, again)]
    assert len(texts) == 2
    assert [sum(url in text for text in texts) for url in urls] == [1, 1]


@pytest.mark.parametrize(
    "behaviour", [Behaviour.DROP_AT_GREETING, Behaviour.REFUSE_RECIPIENT, Behaviour.HANG_AT_GREETING]
)
async def test_a_mail_server_that_fails_keeps_nobody_from_inviting(
    behaviour: Behaviour, settings: Settings, organization: TestOrganization, capfd: pytest.CaptureFixture[str]
) -> None:
    async with (
        SmtpSink(behaviour) as sink,
        serving(settings, organization, smtp_url=sink.url, smtp_timeout_seconds=0.2) as post,
    ):
        answer = await post(TEAM, json={"email": "ada@example.com"})
        assert answer.status_code == 201
    said = capfd.readouterr()
    assert "notice_not_sent" in said.out + said.err
    assert answer.json()["invitation"]["token"] not in said.out + said.err


def test_what_people_are_called_adds_no_header_and_no_line() -> None:
    named = Invitation("ada@example.com", "Grace\r\nBcc: x@y.org", "Acme\nSubject: free", "Viewer", INVITATION.url)
    content = compose(named, "DP <no@crm.example>").content.decode()
    head = content.split("\r\n\r\n", 1)[0]
    assert [line for line in head.split("\r\n") if line.startswith(("Bcc", "Subject: free"))] == []
    assert "Grace Bcc: x@y.org invites you to join Acme Subject: free on DripPulse" in content


def test_an_installation_without_a_sender_address_is_told_so() -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        compose(INVITATION, "nobody")
