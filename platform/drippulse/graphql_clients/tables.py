"""Tables of GraphQL's clients."""

from piccolo.columns import BigInt, BigSerial, Date, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class GraphqlDocument(Table, tablename="graphql_document", db=DB):
    """A document that may be run by its hash, the SHA-256 of its text in UTF-8. Unique within the organization."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    sha256 = Text(help_text="64 hexadecimal digits in lower case")
    text = Text()
    name = Text(default="", help_text="what the manifest calls it")
    client = Text(default="", help_text="the program that it was registered for")
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class GraphqlUsage(Table, tablename="graphql_usage", db=DB):
    """Requests of one client for one operation on a UTC day, added in portions: a crash loses the last few seconds.

    `field` is empty for the operation itself, else a deprecated schema coordinate that it has.
    """

    organization_id = BigInt(primary_key=True)
    day = Date()
    client = Text()
    version = Text()
    operation = Text()
    field = Text()
    requests = BigInt()
