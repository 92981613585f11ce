"""Effect steps: what they prepare, what they make of the outside world's answers, and what `/test` shows."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drippulse.kit.http import OutboundHttp
from drippulse.kit.standard_webhooks import new_secret, secret_key
from drippulse.workflows.errors import StepError
from drippulse.workflows.graph import Node, compile_graph
from drippulse.workflows.steps.base import (
    Advance,
    Guarantee,
    Outcome,
    OutcomeKind,
    OutgoingMail,
    Prepared,
    StepContext,
    WaitUntil,
)
from drippulse.workflows.steps.email import EmailStep, links_in
from drippulse.workflows.steps.webhook_response import retry_after
from tests.support.closing import stop_listening
from tests.support.walks import NOW, condition, context, step

ADA = {"email": "Ada@Example.com", "first_name": "Ada <3", "score": 85}


def node_of(*steps: dict[str, Any], check: bool = True) -> Node:
    return compile_graph(list(steps), check=check).nodes[0]


def prepared(node: Node, ctx: StepContext) -> Prepared:
    found = node.step.prepare(node.config, ctx)
    assert isinstance(found, Prepared)
    return found


@dataclass
class Recorder:
    """A mailer and connector calls that keep what they are given."""

    http: OutboundHttp = field(default_factory=OutboundHttp)
    mails: list[OutgoingMail] = field(default_factory=list[OutgoingMail])
    calls: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])

    @property
    def mailer(self) -> "Recorder":
        return self

    @property
    def connectors(self) -> "Recorder":
        return self

    async def send(self, mail: OutgoingMail, ctx: StepContext) -> Outcome:
        self.mails.append(mail)
        return Outcome(OutcomeKind.DONE)

    async def call(
        self,
        organization_id: int,
        provider: str,
        connection_key: str,
        action: str,
        payload: Mapping[str, Any],
        idempotency_key: str,
    ) -> Outcome:
        self.calls.append((organization_id, provider, connection_key, action, dict(payload), idempotency_key))
        return Outcome(OutcomeKind.DONE)

    def guarantee(self, provider: str, action: str) -> Guarantee:
        return Guarantee.AT_MOST_ONCE


MAIL = {
    "subject": "Hi {{ first_name }}\r\nBcc: eve@example.com",
    "body": "Hi {{ first_name }}",
    "html": '<p>Hi {{ first_name }}</p><a href="https://example.com/?a=1&amp;b=2">x</a><a href="mailto:a@b.c">y</a>',
    "from": "Ana <ana@example.com>",
    "reply_to": "{{ missing }}",
}


async def test_email_is_rendered_escaped_and_safe_in_headers() -> None:
    node, services = node_of(step("email", **MAIL)), Recorder()
    found = prepared(node, context(ADA))
    await node.step.perform(found, context(ADA), services)
    mail = services.mails[0]
    assert mail.to == "Ada@example.com"
    assert mail.subject == "Hi Ada <3 Bcc: eve@example.com"
    assert mail.text == "Hi Ada <3"
    assert mail.html is not None
    assert "Hi Ada &lt;3" in mail.html
    assert (mail.sender, mail.reply_to) == ("Ana <ana@example.com>", None)
    assert (mail.track_opens, mail.track_clicks) == (True, True)
    assert found.links == ("https://example.com/?a=1&b=2",)
    assert found.guarantee is Guarantee.AT_MOST_ONCE
    assert node.step.rehearse(found, context(ADA)).logs == (
        '[test] Would send email to Ada@example.com with subject "Hi Ada <3 Bcc: eve@example.com"',
    )


@pytest.mark.parametrize("email", [None, "", "nobody", "a@b.c, d@e.f", "a@b.c\nBcc: d@e.f"])
def test_no_valid_recipient_skips_with_the_reason(email: str | None) -> None:
    node = node_of(step("email", subject="x", body="y"))
    decision = node.step.prepare(node.config, context({"email": email}))
    assert isinstance(decision, Advance)
    assert (decision.skipped or "").startswith("no valid recipient address: ")


def test_a_sender_that_is_no_address_fails_the_step() -> None:
    node = node_of(step("email", subject="x", body="y", **{"from": "{{ first_name }}"}))
    with pytest.raises(StepError, match="`from` rendered to"):
        node.step.prepare(node.config, context(ADA))


def test_a_closed_send_window_waits_for_its_opening() -> None:
    window = {"start": "09:00", "end": "17:00", "timezone": "recipient", "business_days_only": True}
    node = node_of(step("email", subject="x", body="y", send_window=window))
    early = context(ADA, timezone="America/New_York")  # Monday 07:00 there
    opens = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
    assert node.step.prepare(node.config, early) == WaitUntil(at=opens, reason="send_window")
    assert isinstance(node.step.prepare(node.config, replace(early, now=opens)), Prepared)


async def test_sendgrid_goes_through_its_connector() -> None:
    node, services = node_of(step("email", subject="x", body="y", integration_id="sg", connection_key="eu")), Recorder()
    await node.step.perform(prepared(node, context(ADA)), context(ADA), services)
    organization, provider, key, action, payload, idempotency_key = services.calls[0]
    assert (organization, provider, key, action, idempotency_key) == (
        1,
        "sendgrid",
        "eu",
        "send_email",
        "drippulse-1-7-1",
    )
    assert payload["to"] == "Ada@example.com"


def test_links_are_unescaped_unique_and_http_only() -> None:
    markup = (
        "<a class='b' HREF='http://a/?x&amp;y'>1</a><a href=\"http://a/?x&amp;y\">2</a><a href='javascript:x'>3</a>"
    )
    assert links_in(markup) == ("http://a/?x&y",)


def test_the_tracking_flags_and_template_names_are_the_documented_ones() -> None:
    fields = EmailStep().config_model.model_json_schema(by_alias=True)["properties"]
    assert {"to", "subject", "body", "html", "from", "reply_to", "track_opens", "track_clicks"} <= set(fields)


async def test_alert_and_integration_action_call_their_connectors() -> None:
    services = Recorder()
    alert = node_of(step("alert", message="{{ email }} is hot", channel="#sales"))
    action = node_of(
        step(
            "integration_action",
            integration_id="hs",
            action="update",
            payload={"a": ["{{ score }}", 5, {"b": "{{ email }}"}]},
        )
    )
    for node in (alert, action):
        found = prepared(node, context(ADA))
        await node.step.perform(found, context(ADA), services)
        assert node.step.rehearse(found, context(ADA)).logs[0].startswith("[test] Would ")
    assert services.calls == [
        (
            1,
            "slack",
            "default",
            "post_message",
            {"text": "Ada@Example.com is hot", "channel": "#sales"},
            "drippulse-1-7-1",
        ),
        (1, "hubspot", "default", "update", {"a": ["85", 5, {"b": "Ada@Example.com"}]}, "drippulse-1-7-1"),
    ]


@asynccontextmanager
async def receiver(
    status: str = "200 OK", body: bytes = b"{}", headers: str = "", *, hang: bool = False
) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """A real HTTP server that answers every request alike and keeps what it was sent."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        requests.append(head + await reader.readexactly(length))
        if hang:
            await asyncio.sleep(30)
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", requests
    finally:
        await stop_listening(server)


async def call_hook(url: str, allow: bool = True, **config: Any) -> Outcome:
    node = node_of(step("webhook_callback", url=url, **config), step("exit", "there"), check=False)
    http = OutboundHttp(frozenset({url.split("/")[2]}) if allow else frozenset(), development=allow)
    try:
        return await node.step.perform(prepared(node, context(ADA)), context(ADA), Recorder(http=http))
    finally:
        await http.aclose()


async def test_a_webhook_sends_all_data_signed_with_a_stable_id() -> None:
    secret = new_secret()
    async with receiver(body=b'{"ok": true}') as (url, requests):
        outcome = await call_hook(url, secret=secret, headers={"X-Who": "{{ email }}"})
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.output == {"webhook_response": {"status_code": 200, "body": {"ok": True}}}
    head, _, body = requests[0].partition(b"\r\n\r\n")
    sent = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert json.loads(body) == {"enrollment_id": 7, "workflow_id": 3, "step": "here", "data": ADA}
    assert sent["x-who"] == "Ada@Example.com"
    assert sent["webhook-id"] == "drippulse-1-7-1"
    assert sent["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(secret_key(secret) or b"", signed, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{expected}"


def test_the_secret_stands_in_nothing_that_is_shown() -> None:
    secret = new_secret()
    node = node_of(step("webhook_callback", url="https://example.com/{{ score }}", secret=secret))
    found = prepared(node, context(ADA))
    assert node.step.secret_fields == {"secret"}
    shown = f"{found}{found.summary}{node.step.rehearse(found, context(ADA))}"
    assert secret not in shown
    assert repr(secret_key(secret)) not in shown
    assert found.summary["url"] == "https://example.com/85"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("204 No Content", OutcomeKind.DONE),
        ("302 Found", OutcomeKind.FAILED),
        ("400 Bad Request", OutcomeKind.FAILED),
        ("404 Not Found", OutcomeKind.FAILED),
        ("408 Request Timeout", OutcomeKind.RETRY),
        ("410 Gone", OutcomeKind.FAILED),
        ("425 Too Early", OutcomeKind.RETRY),
        ("429 Too Many Requests", OutcomeKind.RETRY),
        ("500 Internal Server Error", OutcomeKind.RETRY),
        ("503 Service Unavailable", OutcomeKind.RETRY),
    ],
)
async def test_what_a_status_means(status: str, kind: OutcomeKind) -> None:
    async with receiver(status, b"", "retry-after: 42\r\nlocation: http://example.com/\r\n") as (url, requests):
        outcome = await call_hook(url)
    assert outcome.kind is kind
    assert len(requests) == 1
    if kind is OutcomeKind.RETRY:
        assert outcome.retry_after == 42


async def test_response_branches_decide_by_status_or_by_field_before_anything_else() -> None:
    by_status = [{"status": "4xx", "goto": "there"}]
    by_field = [{**condition("body.tier", "equals", "GOLD"), "goto": "there"}]
    async with receiver("404 Not Found") as (url, _):
        assert (await call_hook(url, response_branches=by_status)).to == "there"
        assert (await call_hook(url, response_branches=by_field)).kind is OutcomeKind.FAILED
    async with receiver(body=b'{"tier": "gold"}') as (url, _):
        assert (await call_hook(url, response_branches=[*by_status, *by_field])).to == "there"


async def test_no_connection_and_no_answer_are_tried_again() -> None:
    async with receiver(hang=True) as (url, _):
        outcome = await call_hook(url, timeout_seconds=1)
        assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "timeout")
    outcome = await call_hook(url)
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "connection_failed")


async def test_a_private_address_is_refused_and_not_tried_again() -> None:
    outcome = await call_hook("https://127.0.0.1:9/x", allow=False)
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "egress_refused")


async def test_an_endless_answer_fails_instead_of_being_called_again() -> None:
    async with receiver(body=b"x" * 1_100_000) as (url, requests):
        outcome = await call_hook(url)
    assert (outcome.kind, outcome.code, len(requests)) == (OutcomeKind.FAILED, "response_too_large", 1)


async def test_a_large_answer_is_cut_and_bad_json_is_text() -> None:
    async with receiver(body=b'{"a": "' + b"x" * 100_000 + b'"}') as (url, _):
        body = (await call_hook(url)).output["webhook_response"]["body"]
        assert isinstance(body, str)
        assert len(body) == 65_536
    for bad in (b"{not json", b"[" * 5000, b'"\\ud800"'):
        async with receiver(body=bad) as (url, _):
            assert (await call_hook(url)).output["webhook_response"]["body"] == bad.decode()


@pytest.mark.parametrize(
    ("config", "sent"),
    [
        ({"body": {"who": "{{ email }}", "n": 5}}, b'{"who":"Ada@Example.com","n":5}'),
        ({"body": "score={{ score }}"}, b"score=85"),
        ({"method": "get"}, b""),
    ],
)
async def test_bodies(config: dict[str, Any], sent: bytes) -> None:
    async with receiver() as (url, requests):
        await call_hook(url, **config)
    assert requests[0].partition(b"\r\n\r\n")[2] == sent


def test_retry_after_takes_seconds_and_dates() -> None:
    assert retry_after("120", NOW) == 120
    assert retry_after((NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT"), NOW) == 90
    assert retry_after("Mon, 02 Mar 2020 00:00:00 GMT", NOW) == 0
    assert retry_after("99999999", NOW) == 86_400
    assert retry_after("soon", NOW) is None
    assert retry_after(None, NOW) is None
