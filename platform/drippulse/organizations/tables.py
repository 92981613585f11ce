"""Tables of tenancy and credentials."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Date, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class MemberRole(StrEnum):
    """Viewer reads; Editor also writes; Approver reads and decides approvals; Admin does everything."""

    VIEWER = "Viewer"
    EDITOR = "Editor"
    APPROVER = "Approver"
    ADMIN = "Admin"


class MemberStatus(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    REMOVED = "removed"


class Organization(Table, tablename="organization", db=DB):
    id = BigSerial(primary_key=True)
    name = Text(unique=True)
    slug = Text(unique=True, null=True, default=None, help_text="never null: the database makes one of the name")
    timezone = Text(default="UTC")
    locale = Text(default="en", help_text="BCP 47")
    branding = JSONB(default="{}", help_text="{logo_url, color, public_name}")
    sender = JSONB(default="{}", help_text="{from_name, from_address, reply_to, postal_address}")
    retention = JSONB(default="{}", help_text="{timeline_days, event_days, audit_days}; absent is for ever")
    billing = JSONB(default="{}", help_text="{company_name, email, tax_id, purchase_order, address}")
    paused_at = Timestamptz(null=True, default=None, help_text="since when all of its enrollments are held")
    sending = JSONB(default="{}", help_text="caps, quiet hours and limits of its mail")
    graphql_trusted_only = Boolean(default=False, help_text="GraphQL runs registered documents and no others")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class AppUser(Table, tablename="app_user", db=DB):
    """A person. Global: one person may be a member of several organizations."""

    id = BigSerial(primary_key=True)
    username = Text(unique=True, help_text="as given at creation, compared in lower case")
    email = Text(null=True, default=None)
    password_hash = Text(help_text="argon2id")
    session_epoch = BigInt(default=0, help_text="rises to end every session of this user")
    created_at = Timestamptz(default=TimestamptzNow())


class Membership(Table, tablename="membership", db=DB):
    """A team member. One who is invited has no user yet; one who was removed keeps the row, so that names stay known.

    `token_hash` is the SHA-256 of an invitation's token, which is told once and not kept.
    """

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    user_id = BigInt(null=True, default=None)
    role = Text(choices=MemberRole)
    status = Text(default=MemberStatus.ACTIVE, choices=MemberStatus)
    name = Text(default="")
    email = Text(null=True, default=None, help_text="where the invitation went")
    email_key = Text(null=True, default=None, help_text="the same for all spellings of one mailbox")
    token_hash = Text(null=True, default=None, unique=True)
    token_expires_at = Timestamptz(null=True, default=None)
    invited_by_type = Text(null=True, default=None)
    invited_by_id = BigInt(null=True, default=None)
    invited_at = Timestamptz(null=True, default=None)
    accepted_at = Timestamptz(null=True, default=None)
    removed_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class ApiKey(Table, tablename="api_key", db=DB):
    """`key_hash` is the SHA-256 of the whole key, which is shown once and not kept."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    name = Text()
    key_hash = Text(unique=True)
    key_prefix = Text()
    last_four = Text()
    role = Text(choices=MemberRole)
    live = Boolean(default=True)
    created_by = BigInt(null=True, default=None, help_text="the user who made it, or whose key made it")
    created_by_key = BigInt(null=True, default=None, help_text="the key that made it")
    rate_limit = Integer(null=True, default=None, help_text="requests a minute; null is the installation's default")
    last_used_at = Timestamptz(null=True, default=None, help_text="a few seconds late: written with the usage")
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())


class ApiKeyUsage(Table, tablename="api_key_usage", db=DB):
    """Requests of a key on a UTC day. Counted in memory and added in portions: a crash loses the last few seconds."""

    organization_id = BigInt(primary_key=True)
    key_id = BigInt()
    day = Date()
    requests = BigInt()


class AuditEntry(Table, tablename="audit_entry", db=DB):
    """One security-relevant act. Nobody may change an entry; retention alone removes them."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    action = Text()
    actor_type = Text(help_text="user, api_key, anonymous or system")
    actor_id = BigInt(null=True, default=None)
    subject_type = Text(null=True, default=None)
    subject_id = Text(null=True, default=None)
    address = Text(default="")
    user_agent = Text(default="")
    details = JSONB(default="{}")
    created_at = Timestamptz(default=TimestamptzNow())


class RetentionMark(Table, tablename="retention_mark", db=DB):
    """How far retention has come: nothing older than `done_until` is left."""

    organization_id = BigInt(primary_key=True)
    kind = Text()
    done_until = Timestamptz()
