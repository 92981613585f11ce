"""`email`: a mail to the contact, sent at most once."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from drippulse.kit.addresses import Mailbox, one_line, parse_mailbox
from drippulse.kit.text import did_you_mean
from drippulse.messaging.html_links import links_in
from drippulse.workflows.errors import StepError
from drippulse.workflows.steps.base import (
    Advance,
    Category,
    Decision,
    EffectStep,
    Guarantee,
    Outcome,
    OutgoingMail,
    Prepared,
    Problem,
    Rehearsal,
    Services,
    StepConfig,
    StepContext,
    WaitUntil,
)
from drippulse.workflows.steps.connector_calls import ConnectorRequest, call_connector
from drippulse.workflows.steps.send_window import SendWindow
from drippulse.workflows.steps.texts import template_problems

OWN_MAILER = ("nurture", "internal")
PROVIDERS = {"sendgrid": "sendgrid", "sg": "sendgrid"}
KNOWN_INTEGRATIONS = (*OWN_MAILER, *PROVIDERS)
CONNECTOR_ACTION = "send_email"
MAX_SUBJECT = 998  # RFC 5322, section 2.1.1
TEMPLATE_FIELDS = ("to", "subject", "body", "html", "sender", "reply_to")


class EmailConfig(StepConfig):
    to: str = Field(default="{{ email }}", min_length=1, description="Recipient; a Liquid template.")
    subject: str = Field(min_length=1, description="Subject line; a Liquid template.")
    body: str | None = Field(default=None, description="Text body; a Liquid template. Needed unless html is given.")
    html: str | None = Field(
        default=None, description="HTML body; a Liquid template whose values are escaped. Needed unless body is given."
    )
    template_id: str | int | None = Field(default=None, description="A stored template. Not available yet.")
    integration_id: str | None = Field(
        default=None, description="nurture or internal (the tracked mailer, the default), or sendgrid (also sg)."
    )
    connection_key: str = Field(
        default="default", min_length=1, max_length=200, description="Which connection, when a provider sends."
    )
    sender: str | None = Field(
        default=None, alias="from", description="From; a Liquid template. Default: the installation's own address."
    )
    reply_to: str | None = Field(default=None, description="Reply-To; a Liquid template.")
    track_opens: bool = Field(default=True, description="Add an open pixel to the HTML body.")
    track_clicks: bool = Field(default=True, description="Lead the links of the HTML body through the click redirect.")
    send_window: SendWindow | None = Field(default=None, description="Hours in which the mail may go out.")
    on_unknown: Literal["skip", "resend", "ask"] = Field(
        default="skip",
        description="What follows when a crash leaves open whether the mail went out: go on without it, send it again "
        "(it may arrive twice), or hold the enrollment until an operator decides.",
    )


@dataclass(frozen=True, slots=True)
class EmailRequest:
    """The rendered mail. `provider` is None for the installation's own tracked mailer."""

    mail: OutgoingMail
    provider: str | None
    connection_key: str


class EmailStep(EffectStep[EmailConfig]):
    type: ClassVar[str] = "email"
    label: ClassVar[str] = "Send email"
    category: ClassVar[Category] = Category.ACTION
    description: ClassVar[str] = (
        "Sends one mail to the contact, with open and click tracking and one-click unsubscribe."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.AT_MOST_ONCE
    test_behaviour: ClassVar[str] = "Sends nothing; logs recipient and subject. Needs no connection."
    config_model = EmailConfig

    def problems(self, config: EmailConfig) -> Iterator[Problem]:
        if config.template_id is not None:
            yield Problem("template_id", "is not available yet: put the text into `body` and `html`")
        elif not (config.body or config.html):
            yield Problem("body", "is missing: give `body` (text), `html`, or both")
        if config.integration_id is not None and config.integration_id.strip().lower() not in KNOWN_INTEGRATIONS:
            yield Problem(
                "integration_id",
                f'"{config.integration_id}" cannot send mail.'
                f"{did_you_mean(config.integration_id, KNOWN_INTEGRATIONS)} Known are {', '.join(KNOWN_INTEGRATIONS)}",
            )
        for name in TEMPLATE_FIELDS:
            yield from template_problems("from" if name == "sender" else name, getattr(config, name))

    def prepare(self, config: EmailConfig, ctx: StepContext) -> Prepared | Decision:
        if config.send_window is not None:
            opens = config.send_window.opens(ctx.now, ctx.timezone)
            if opens > ctx.now:
                return WaitUntil(at=opens, reason="send_window")
        rendered_to = ctx.render(config.to)
        recipient = parse_mailbox(rendered_to)
        if recipient is None:
            shown = one_line(rendered_to)[:200] or "empty"
            return Advance(skipped=f"no valid recipient address: {shown}")
        mail = _render(config, recipient, ctx)
        provider = PROVIDERS.get((config.integration_id or "").strip().lower())
        return Prepared(
            request=EmailRequest(mail, provider, config.connection_key),
            summary={
                "to": mail.to,
                "subject": mail.subject,
                "from": mail.sender,
                "integration_id": provider or "nurture",
            },
            guarantee=self.guarantee,
            recipient=recipient.address,
            subject=mail.subject,
            links=links_in(mail.html) if mail.html and mail.track_clicks else (),
            on_unknown=config.on_unknown,
        )

    async def perform(self, prepared: Prepared, ctx: StepContext, services: Services) -> Outcome:
        request: EmailRequest = prepared.request
        if request.provider is None:
            return await services.mailer.send(request.mail, ctx)
        payload = _connector_payload(request.mail)
        call = ConnectorRequest(request.provider, request.connection_key, CONNECTOR_ACTION, payload)
        return await call_connector(call, ctx, services)

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        summary = prepared.summary
        return Rehearsal(logs=(f'[test] Would send email to {summary["to"]} with subject "{summary["subject"]}"',))


def _render(config: EmailConfig, recipient: Mailbox, ctx: StepContext) -> OutgoingMail:
    return OutgoingMail(
        to=recipient.address,
        subject=one_line(ctx.render(config.subject))[:MAX_SUBJECT],
        text=ctx.render(config.body) if config.body else None,
        html=ctx.render_html(config.html) if config.html else None,
        sender=_own_mailbox("from", config.sender, ctx),
        reply_to=_own_mailbox("reply_to", config.reply_to, ctx),
        track_opens=config.track_opens,
        track_clicks=config.track_clicks,
    )


def _own_mailbox(name: str, source: str | None, ctx: StepContext) -> str | None:
    """The mailbox for a header, or None when the template renders empty, so that the default applies.

    Raises:
        StepError: it renders to something that is no address.
    """
    rendered = ctx.render(source).strip() if source else ""
    if not rendered:
        return None
    mailbox = parse_mailbox(rendered)
    if mailbox is None:
        raise StepError(
            f'`{name}` rendered to "{one_line(rendered)[:200]}", which is not an e-mail address. '
            "Correct it, or leave it out to use the default.",
            code="invalid_sender",
        )
    return str(mailbox)


def _connector_payload(mail: OutgoingMail) -> dict[str, Any]:
    """What a provider's `send_email` takes: the mail's fields that are set, `sender` under its wire name `from`."""
    fields = {name: value for name, value in asdict(mail).items() if value is not None}
    if "sender" in fields:
        fields["from"] = fields.pop("sender")
    return fields
