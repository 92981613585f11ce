"""Tables of send safety."""

from enum import StrEnum

from piccolo.columns import BigInt, Boolean, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Breaker(StrEnum):
    """Whether an organization's mail goes out. WARN changes nothing but what is shown."""

    OK = "ok"
    WARN = "warn"
    STOPPED = "stopped"


class Scope(StrEnum):
    """What a cap counts by."""

    ORGANIZATION = "organization"
    SENDER = "sender"
    RECIPIENT_DOMAIN = "recipient_domain"
    CONTACT = "contact"
    RAMP_UP = "ramp_up"


STOPPED = "sending_stopped"
QUIET_HOURS = "quiet_hours"
WAIT_REASONS = (
    STOPPED,
    QUIET_HOURS,
    Scope.RAMP_UP.value,
    *(f"cap:{scope.value}" for scope in Scope if scope is not Scope.RAMP_UP),
)
"""`wait_reason` of an enrollment whose mail may not go out now. The index `enrollment_send_wait` has the same list."""


class SendCount(Table, tablename="send_count", db=DB):
    """Mails begun within one window of a cap. Windows are aligned in UTC; weeks begin on Monday."""

    organization_id = BigInt(primary_key=True)
    scope = Text(choices=Scope)
    key = Text(help_text="the sender, domain or contact; empty for the organization and the default sender")
    seconds = Integer(help_text="length of the window")
    starts_at = Timestamptz()
    sent = BigInt(default=0)
    put_off = BigInt(default=0, help_text="how often a mail found it full, which says how long the next shall wait")


class SendTotal(Table, tablename="send_total", db=DB):
    """An organization's mail of one UTC day, summed over shards. `sent` is kept by a trigger on `delivery`."""

    organization_id = BigInt(primary_key=True)
    day = Date()
    shard = SmallInt(help_text="the writing connection's, so that commits do not wait for each other")
    sent = BigInt(default=0)
    delivered = BigInt(default=0)
    bounced = BigInt(default=0, help_text="hard bounces")
    soft_bounced = BigInt(default=0)
    complained = BigInt(default=0)
    forgiven_sent = BigInt(default=0, help_text="what the last reset of the breaker took out of the account")
    forgiven_bounced = BigInt(default=0)
    forgiven_complained = BigInt(default=0)


class SendingState(Table, tablename="sending_state", db=DB):
    """One row an organization. Whoever begins a mail holds it shared, so that a stop is a stop."""

    organization_id = BigInt(primary_key=True)
    breaker = Text(default=Breaker.OK, choices=Breaker)
    since = Timestamptz(default=TimestamptzNow())
    reason = Text(default="")
    note = Text(default="", help_text="of the Admin who reset it last")
    bounce_generation = Integer(default=1, help_text="rises to end the bounce webhook's secret and token")
    confirm_url = Text(null=True, default=None, help_text="where Amazon SNS waits for a confirmation")


class BounceReport(Table, tablename="bounce_report", db=DB):
    """What a provider reported, once. `event_id` is the provider's."""

    organization_id = BigInt(primary_key=True)
    source = Text()
    event_id = Text()
    type = Text(help_text="bounce, complaint, delivered or reply")
    email = Text(null=True, default=None, help_text="`same_mailbox_key` of the address")
    enrollment_id = BigInt(null=True, default=None)
    delivery_id = BigInt(null=True, default=None)
    hard = Boolean(default=True)
    reason = Text(default="")
    at = Timestamptz()
    created_at = Timestamptz(default=TimestamptzNow())
