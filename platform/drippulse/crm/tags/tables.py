"""Tables of tags: how many records have each, and changes under way."""

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class TagTally(Table, tablename="tag_tally", db=DB):
    """Differences that statements made; their sum is how many live records of the type have the tag."""

    organization_id = BigInt(primary_key=True)
    record_type = Text()
    tag = Text()
    delta = BigInt()


class TagChange(Table, tablename="tag_change", db=DB):
    """A tag that gets another name, or goes, in the background."""

    organization_id = BigInt(primary_key=True)
    changeset_id = BigInt()
    name = Text()
    new_name = Text(null=True, default=None, help_text="null: it goes")
    actor_type = Text()
    actor_id = BigInt(null=True, default=None)
    updated = BigInt(default=0, help_text="records so far")
    created_at = Timestamptz(default=TimestamptzNow())
