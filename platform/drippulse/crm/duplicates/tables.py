"""Tables of duplicates."""

from enum import StrEnum

from piccolo.columns import UUID, BigInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Reason(StrEnum):
    """What records have in common."""

    ADDRESS = "address"
    """The e-mail address but for tags (`ada+news@`), and for dots where the provider does not look at them."""
    NAME_AND_DOMAIN = "name_and_domain"
    """First and last name, and the domain of the address when it is a company's."""
    NAME_AND_COMPANY = "name_and_company"
    """First and last name, and the company; without a company the account."""
    PHONE = "phone"
    """The telephone number but for its country code."""
    DOMAIN = "domain"
    """The domain of an account, or of its website."""
    NAME = "name"
    """The name of an account but for case, punctuation and legal form."""


class MatchQueue(Table, tablename="match_queue", db=DB):
    """A record that was written and not compared since. Triggers add the rows."""

    organization_id = BigInt(primary_key=True)
    record_type = Text()
    record_id = UUID(default=None)


class RecordMatch(Table, tablename="record_match", db=DB):
    """What a record is compared by: a hash for each reason; null where it has nothing of the kind, or is deleted."""

    organization_id = BigInt(primary_key=True)
    record_type = Text()
    record_id = UUID(default=None)
    address = BigInt(null=True, default=None)
    phone = BigInt(null=True, default=None)
    name_and_domain = BigInt(null=True, default=None)
    name_and_company = BigInt(null=True, default=None)
    domain = BigInt(null=True, default=None)
    name = BigInt(null=True, default=None)


class DuplicateDismissal(Table, tablename="duplicate_dismissal", db=DB):
    """Two records that somebody said are not the same."""

    organization_id = BigInt(primary_key=True)
    first_id = UUID(default=None, help_text="the smaller id")
    second_id = UUID(default=None)
    record_type = Text()
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
