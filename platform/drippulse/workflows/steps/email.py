"""`email`: a mail to the contact, sent at most once."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

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
MAX_SENDERS = 50
TEMPLATE_FIELDS = ("to", "subject", "body", "html", "sender", "reply_to")


class TemplateSnapshot(BaseModel):
    """The texts of a stored template as they were when the workflow was saved."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(description="Version of the template.")
    subject: str = Field(description="Subject line.")
    body: str | None = Field(default=None, description="Text body.")
    html: str | None = Field(default=None, description="HTML body.")
    sender: str | None = Field(default=None, alias="from", description="From.")


class EmailConfig(StepConfig):
    to: str = Field(default="{{ email }}", min_length=1, description="Recipient; a Liquid template.")
    subject: str | None = Field(
        default=None, min_length=1, description="Subject line; a Liquid template. Needed unless a template has one."
    )
    body: str | None = Field(default=None, description="Text body; a Liquid template. Needed unless html is given.")
    html: str | None = Field(
        default=None, description="HTML body; a Liquid template whose values are escaped. Needed unless body is given."
    )
    template_id: str | int | None = Field(
        default=None,
        description="A stored template. Its texts, as they are when the workflow is saved, stand for those that are "
        "not given here.",
    )
    template: TemplateSnapshot | None = Field(
        default=None, description="The texts of `template_id`, set by the server whenever the workflow is saved."
    )
    integration_id: str | None = Field(
        default=None, description="nurture or internal (the tracked mailer, the default), or sendgrid (also sg)."
    )
    connection_key: str = Field(
        default="default", min_length=1, max_length=200, description="Which connection, when a provider sends."
    )
    sender: str | None = Field(
        default=None, alias="from", description="From; a Liquid template. Default: the installation's own address."
    )
    senders: list[str] = Field(
        default_factory=list[str],
        max_length=MAX_SENDERS,
        description="Several From mailboxes instead of `from`; an enrollment keeps to one of them.",
    )
    reply_to: str | None = Field(default=None, description="Reply-To; a Liquid template.")
    opt_out: Literal["link", "reply", "header_only"] = Field(
        default="link",
        description="How the mail says that one can unsubscribe: a link below the text, a sentence that asks for a "
        "reply, or the List-Unsubscribe header alone, which every mail has.",
    )
    track_opens: bool = Field(default=True, description="Add an open pixel to the HTML body.")
    track_clicks: bool = Field(default=True, description="Lead the links of the HTML body through the click redirect.")
    send_window: SendWindow | None = Field(default=None, description="Hours in which the mail may go out.")
    on_unknown: Literal["skip", "resend", "ask"] = Field(
        default="skip",
        description="What follows when a crash leaves open whether the mail went out: go on without it, send it again "
        "(it may arrive twice), or hold the enrollment until an operator decides.",
    )

    def text_of(self, name: str) -> str | None:
        """`subject`, `body`, `html` or `sender`: given here, or else the template's."""
        own: str | None = getattr(self, name)
        return own or (getattr(self.template, name) if self.template else None)


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
        if config.template_id is not None and config.template is None:
            yield Problem("template_id", "names a template whose texts are not here; save the workflow again")
        elif not config.text_of("subject"):
            yield Problem("subject", "is missing")
        elif not (config.text_of("body") or config.text_of("html")):
            yield Problem("body", "is missing: give `body` (text), `html`, or both")
        for index, sender in enumerate(config.senders):
            if parse_mailbox(sender) is None:
                yield Problem(f"senders.{index}", "is not an e-mail address")
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
            opens = config.send_window.opens(ctx.now, ctx.timezone, ctx.organization_timezone)
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
    body, html = _bodies(config)
    return OutgoingMail(
        to=recipient.address,
        subject=one_line(ctx.render(config.text_of("subject") or ""))[:MAX_SUBJECT],
        text=ctx.render(body) if body else None,
        html=ctx.render_html(html) if html else None,
        sender=_own_mailbox("from", _sender(config, ctx), ctx),
        reply_to=_own_mailbox("reply_to", config.reply_to, ctx),
        track_opens=config.track_opens,
        track_clicks=config.track_clicks,
        opt_out=config.opt_out,
    )


def _bodies(config: EmailConfig) -> tuple[str | None, str | None]:
    """Text and HTML. A body given here stands for both of the template's: the two parts must say the same."""
    if config.body or config.html:
        return config.body, config.html
    return config.text_of("body"), config.text_of("html")


def _sender(config: EmailConfig, ctx: StepContext) -> str | None:
    """The same one in all mails of an enrollment whose steps have the same `senders`."""
    if config.senders:
        return config.senders[ctx.enrollment_id % len(config.senders)]
    return config.text_of("sender")


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
    fields = {name: value for name, value in asdict(mail).items() if value is not None and name != "opt_out"}
    if "sender" in fields:
        fields["from"] = fields.pop("sender")
    return fields
