"""Tables of tenancy and credentials."""

from enum import StrEnum

from piccolo.columns import JSONB, BigInt, BigSerial, Boolean, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class MemberRole(StrEnum):
    """Viewer reads; Editor also writes; Approver reads and decides approvals; Admin does everything."""

    VIEWER = "Viewer"
    EDITOR = "Editor"
    APPROVER = "Approver"
    ADMIN = "Admin"


class Organization(Table, tablename="organization", db=DB):
    id = BigSerial(primary_key=True)
    name = Text(unique=True)
    timezone = Text(default="UTC")
    paused_at = Timestamptz(null=True, default=None, help_text="since when all of its enrollments are held")
    sending = JSONB(default="{}", help_text="caps, quiet hours and limits of its mail")
    created_at = Timestamptz(default=TimestamptzNow())


class AppUser(Table, tablename="app_user", db=DB):
    """A person. Global: one person may be a member of several organizations."""

    id = BigSerial(primary_key=True)
    username = Text(unique=True, help_text="as given at creation, compared in lower case")
    email = Text(null=True, default=None)
    password_hash = Text(help_text="argon2id")
    session_epoch = BigInt(default=0, help_text="rises to end every session of this user")
    created_at = Timestamptz(default=TimestamptzNow())


class Membership(Table, tablename="membership", db=DB):
    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    user_id = BigInt()
    role = Text(choices=MemberRole)
    created_at = Timestamptz(default=TimestamptzNow())


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
    created_by = BigInt(null=True, default=None)
    expires_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
