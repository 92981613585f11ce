"""Tables of mail: deliveries, engagement, suppression, and the development mailbox."""

from piccolo.columns import Array, BigInt, BigSerial, Boolean, Bytea, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Delivery(Table, tablename="delivery", db=DB):
    """One mail of one step visit: the intent is written before the call, the result after it."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    enrollment_id = BigInt()
    workflow_id = BigInt()
    visit = Integer()
    step_id = Text()
    step_index = Integer()
    recipient = Text()
    subject = Text()
    message_id = Text()
    status = Text(help_text="intent, sent, retrying, unknown, dismissed (was unknown), failed or suppressed")
    attempts = Integer(default=1)
    fence = BigInt(default=0, help_text="the enrollment's when the intent was written: whose result counts")
    links = Array(base_column=Text(), help_text="URLs in the mail, by the index that click links carry")
    response = Text(null=True, default=None, help_text="what the mail server answered")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    sent_at = Timestamptz(null=True, default=None)
    feedback = Text(
        null=True, default=None, help_text="reported later: delivered, soft_bounced, bounced, complained or replied"
    )
    feedback_at = Timestamptz(null=True, default=None)


class NurtureEvent(Table, tablename="nurture_event", db=DB):
    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    enrollment_id = BigInt()
    delivery_id = BigInt()
    type = Text(help_text="open, click, unsubscribe, bounce or complaint")
    url = Text(null=True, default=None)
    human = Boolean(default=True, help_text="false for scanners and prefetchers")
    at = Timestamptz(default=TimestamptzNow())


class Suppression(Table, tablename="suppression", db=DB):
    """An address that gets no more mail from this organization."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    email = Text(help_text="`same_mailbox_key` of the address")
    reason = Text(help_text="unsubscribe, bounce, complaint or manual")
    enrollment_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class DevMail(Table, tablename="dev_mail", db=DB):
    """What the local mailbox caught; belongs to the installation, exists for development."""

    id = BigSerial(primary_key=True)
    received_at = Timestamptz(default=TimestamptzNow())
    envelope_from = Text()
    envelope_to = Array(base_column=Text())
    subject = Text(default="")
    content = Bytea(help_text="the message as it came, RFC 5322")
