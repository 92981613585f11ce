"""`POST /api/v1/webhooks/nurture/bounce`: who may report, what is taken, what follows."""

import time
from typing import Any

import httpx
import orjson
import pytest

from drippulse.kit.services import AppServices
from drippulse.kit.standard_webhooks import secret_key, signed_headers
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow, enroll

URL = "/api/v1/webhooks/nurture/bounce"
DELIVERY = """INSERT INTO delivery (organization_id, enrollment_id, workflow_id, visit, step_id, step_index, recipient,
  subject, message_id, status, attempts, links, sent_at)
SELECT organization_id, id, workflow_id, $2, 'mail', 1, email, 'Hi', $3, 'sent', 1, '{}', now()
FROM enrollment WHERE id = $1 RETURNING id"""


class Reporter:
    """One organization with a mail that was sent, and calls to its bounce webhook."""

    def __init__(self, organization: TestOrganization, services: AppServices, anonymous: httpx.AsyncClient) -> None:
        self.organization, self.services, self.anonymous = organization, services, anonymous
        self.enrollment = 0
        self.message_id = ""

    async def prepare(self, email: str = "Ada@Example.com") -> None:
        workflow = (await create_workflow(self.organization.client))["id"]
        made = await enroll(self.organization.client, workflow, {"email": email})
        self.enrollment = made["enrollment_ids"][0]
        self.message_id = f"<3.{self.enrollment}.{self.organization.id}@drippulse>"
        await self.sql(DELIVERY, self.enrollment, 3, self.message_id)

    async def sql(self, statement: str, *args: Any) -> list[Any]:
        async with self.services.database.tenant(self.organization.id) as session:
            return await session.fetch(statement, *args)

    async def webhook(self) -> dict[str, Any]:
        return (await self.organization.client.get("/api/v1/sending/bounce_webhook")).json()

    async def report(self, body: Any) -> httpx.Response:
        token = (await self.webhook())["token_url"].split("token=")[1]
        return await self.anonymous.post(URL, params={"token": token}, json=body)

    async def signed(self, body: Any, *, secret: str = "", call: str = "msg_1", at: float = 0) -> httpx.Response:
        raw = orjson.dumps(body)
        key = secret_key(secret or (await self.webhook())["secret"])
        headers = signed_headers(key, call, int(at or time.time()), raw)
        return await self.anonymous.post(
            URL, params={"organization": self.organization.id}, content=raw, headers=headers
        )

    async def events(self) -> list[str]:
        rows = await self.sql("SELECT type FROM event WHERE type LIKE 'email.%' ORDER BY id")
        return [row["type"] for row in rows]

    async def suppressed(self) -> list[tuple[str, str]]:
        rows = (await self.organization.client.get("/api/v1/suppressions")).json()["suppressions"]
        return [(row["email"], row["reason"]) for row in rows]


@pytest.fixture
async def reporter(organization: TestOrganization, services: AppServices, anonymous: httpx.AsyncClient) -> Reporter:
    made = Reporter(organization, services, anonymous)
    await made.prepare()
    return made


async def test_a_signed_hard_bounce_suppresses_counts_and_says_so_once(reporter: Reporter) -> None:
    body = {"type": "bounce", "message_id": reporter.message_id, "reason": "550 no such user", "id": "evt_1"}
    first, again = await reporter.signed(body), await reporter.signed(body, call="msg_2")
    assert (first.status_code, first.json()["recorded"]) == (200, 1)
    assert (again.status_code, again.json()["recorded"], again.json()["duplicates"]) == (200, 0, 1)
    assert await reporter.suppressed() == [("ada@example.com", "bounce")]
    assert await reporter.events() == ["email.bounced"]
    [mail] = await reporter.sql("SELECT status, feedback FROM delivery")
    assert (mail["status"], mail["feedback"]) == ("sent", "bounced")
    workflow = (await reporter.organization.client.get("/api/v1/workflows")).json()["workflows"][0]["id"]
    path = f"/api/v1/workflows/{workflow}/enrollments/{reporter.enrollment}"
    [shown] = (await reporter.organization.client.get(path)).json()["deliveries"]
    assert shown["feedback"] == "bounced"
    [nurture] = await reporter.sql("SELECT type, enrollment_id FROM nurture_event")
    assert (nurture["type"], nurture["enrollment_id"]) == ("bounce", reporter.enrollment)
    status = (await reporter.organization.client.get("/api/v1/sending/status")).json()
    assert (status["today"]["bounced"], status["suppressed"]) == (1, 1)


async def test_a_signature_must_be_of_this_secret_this_body_and_of_now(
    reporter: Reporter, new_organization: MakeOrganization
) -> None:
    body = {"type": "complaint", "email": "ada@example.com"}
    theirs = await (await new_organization()).client.get("/api/v1/sending/bounce_webhook")
    answers = [
        await reporter.signed(body, secret=theirs.json()["secret"]),
        await reporter.signed(body, at=time.time() - 400),
        await reporter.signed(body, at=time.time() + 400),
        await reporter.anonymous.post(URL, params={"organization": reporter.organization.id}, json=body),
        await reporter.anonymous.post(URL, params={"organization": "999999999"}, json=body),
        await reporter.anonymous.post(URL, params={"organization": "x"}, json=body),
        await reporter.anonymous.post(URL, params={"token": "AAAA"}, json=body),
        await reporter.anonymous.post(URL, json=body),
    ]
    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(401, "invalid_bounce_credential")}
    assert await reporter.suppressed() == []


async def test_rotating_ends_secret_and_token(reporter: Reporter) -> None:
    old = await reporter.webhook()
    new = (await reporter.organization.client.post("/api/v1/sending/bounce_webhook/rotate")).json()
    assert new["secret"] != old["secret"]
    body = {"type": "complaint", "email": "ada@example.com"}
    token = old["token_url"].split("token=")[1]
    assert (await reporter.anonymous.post(URL, params={"token": token}, json=body)).status_code == 401
    assert (await reporter.signed(body, secret=old["secret"])).status_code == 401
    assert (await reporter.signed(body, secret=new["secret"])).status_code == 200


async def test_another_organizations_message_id_is_as_good_as_none(
    reporter: Reporter, services: AppServices, new_organization: MakeOrganization
) -> None:
    theirs = Reporter(await new_organization(), services, reporter.anonymous)
    await theirs.prepare("bob@example.com")
    answer = (await reporter.report({"type": "bounce", "message_id": theirs.message_id})).json()
    assert [row["status"] for row in answer["results"]] == ["ignored"]
    assert await theirs.suppressed() == await reporter.suppressed() == []
    assert await theirs.events() == []


async def test_by_address_the_newest_mail_is_meant_in_any_spelling(reporter: Reporter) -> None:
    assert (await reporter.report({"type": "complaint", "email": "ADA@example.com"})).json()["recorded"] == 1
    [mail] = await reporter.sql("SELECT feedback FROM delivery")
    assert mail["feedback"] == "complained"
    assert await reporter.events() == ["email.complained"]


async def test_an_address_that_was_never_written_to_is_suppressed_all_the_same(reporter: Reporter) -> None:
    assert (await reporter.report({"type": "bounce", "email": "stranger@example.org"})).json()["recorded"] == 1
    assert await reporter.suppressed() == [("stranger@example.org", "bounce")]
    status = (await reporter.organization.client.get("/api/v1/sending/status")).json()
    assert status["today"]["bounced"] == 0


async def test_soft_bounces_are_borne_with_four_times(reporter: Reporter) -> None:
    for number in range(5):
        assert await reporter.suppressed() == []
        await reporter.report({"type": "bounce", "hard": False, "email": "ada@example.com", "id": f"soft_{number}"})
    assert await reporter.suppressed() == [("ada@example.com", "bounce")]
    assert await reporter.events() == ["email.soft_bounced"] * 4 + ["email.bounced"]


async def test_old_soft_bounces_do_not_count(reporter: Reporter) -> None:
    rows = [
        {"type": "bounce", "hard": False, "email": "ada@example.com", "id": str(n), "at": "2020-01-01T00:00:00Z"}
        for n in range(6)
    ]
    assert (await reporter.report(rows)).json()["recorded"] == 6
    assert await reporter.suppressed() == []


async def test_delivered_and_reply_suppress_nobody(reporter: Reporter) -> None:
    rows = [{"type": kind, "message_id": reporter.message_id} for kind in ("delivered", "reply")]
    assert (await reporter.report(rows)).json()["recorded"] == 2
    assert await reporter.suppressed() == []
    assert await reporter.events() == ["email.delivered", "email.replied"]
    [event] = await reporter.sql("SELECT data FROM event WHERE type = 'email.replied'")
    assert orjson.loads(event["data"])["email"] == "Ada@example.com"


async def test_bad_rows_do_not_keep_the_good_ones_out(reporter: Reporter) -> None:
    rows = [{"type": "bounce"}, 7, {"type": "complaint", "email": "ada@example.com"}, {"type": "bounce", "mail": "x"}]
    answer = await reporter.report(rows)
    assert answer.status_code == 200
    assert [row["status"] for row in answer.json()["results"]] == ["invalid", "invalid", "recorded", "invalid"]


@pytest.mark.parametrize(
    "body", [{}, {"hello": 1}, [{"type": "bounce"}], "text", 5, {"type": "opened", "email": "a@b.c"}]
)
async def test_what_cannot_be_read_is_refused_and_nothing_is_kept(reporter: Reporter, body: Any) -> None:
    answer = await reporter.report(body)
    assert (answer.status_code, answer.json()["error"]) == (422, "unknown_bounce_format")
    assert await reporter.sql("SELECT 1 FROM bounce_report") == []


async def test_amazon_ses_through_sns(reporter: Reporter) -> None:
    message = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "feedbackId": "fb-1",
            "timestamp": "2026-11-20T10:00:00.000Z",
            "bouncedRecipients": [{"emailAddress": "ada@example.com", "diagnosticCode": "smtp; 550 5.1.1"}],
        },
        "mail": {"messageId": "ses-1", "headers": [{"name": "Message-ID", "value": reporter.message_id}]},
    }
    topic = "arn:aws:sns:eu-west-1:1:bounces"
    body = {"Type": "Notification", "TopicArn": topic, "MessageId": "1", "Message": orjson.dumps(message).decode()}
    token = (await reporter.webhook())["token_url"].split("token=")[1]
    headers = {"content-type": "text/plain; charset=UTF-8"}
    answers = [
        await reporter.anonymous.post(URL, params={"token": token}, content=orjson.dumps(body), headers=headers)
        for _ in range(2)
    ]
    assert [(one.status_code, one.json()["recorded"]) for one in answers] == [(200, 1), (200, 0)]
    [row] = await reporter.sql("SELECT source, reason, hard, enrollment_id FROM bounce_report")
    assert tuple(row) == ("ses", "smtp; 550 5.1.1", True, reporter.enrollment)


async def test_an_sns_confirmation_is_kept_for_an_admin_and_never_opened(reporter: Reporter) -> None:
    good = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1"
    for url, kept in (("https://evil.example/?sns.eu-west-1.amazonaws.com", None), (good, good)):
        body = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:x", "SubscribeURL": url}
        answer = await reporter.report(body)
        assert answer.status_code == 200
        assert answer.json()["note"]
        assert (await reporter.webhook())["confirm_url"] == kept


async def test_sendgrids_event_array(reporter: Reporter) -> None:
    base = {"email": "ada@example.com", "timestamp": 1_795_000_000}
    rows = [
        {**base, "event": "processed", "sg_event_id": "1"},
        {**base, "event": "bounce", "type": "blocked", "sg_event_id": "2", "reason": "busy"},
        {**base, "event": "spamreport", "sg_event_id": "3", "smtp-id": reporter.message_id},
        {**base, "event": "spamreport", "sg_event_id": "3", "smtp-id": reporter.message_id},
    ]
    answer = (await reporter.report(rows)).json()
    assert [row["status"] for row in answer["results"]] == ["ignored", "recorded", "recorded", "duplicate"]
    assert await reporter.suppressed() == [("ada@example.com", "complaint")]


async def test_postmark(reporter: Reporter) -> None:
    bounce = {"RecordType": "Bounce", "ID": 4, "Type": "HardBounce", "Email": "ada@example.com", "Details": "gone"}
    complaint = {"RecordType": "SpamComplaint", "ID": 5, "Type": "SpamComplaint", "Email": "bob@example.com"}
    for body in (bounce, complaint, {**bounce, "ID": 6, "Type": "AutoResponder"}):
        assert (await reporter.report(body)).status_code == 200
    assert await reporter.suppressed() == [("bob@example.com", "complaint"), ("ada@example.com", "bounce")]


@pytest.mark.parametrize("text", [b'{"type": "bounce", "email": "a\\u0000@b.org"}', b"{", b"[" * 100 + b"]" * 100])
async def test_texts_that_cannot_be_stored_and_broken_json_are_refused(reporter: Reporter, text: bytes) -> None:
    token = (await reporter.webhook())["token_url"].split("token=")[1]
    answer = await reporter.anonymous.post(URL, params={"token": token}, content=text)
    assert answer.status_code in {400, 422}
