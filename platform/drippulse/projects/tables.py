"""Table of projects."""

from piccolo.columns import BigInt, BigSerial, Boolean, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class Project(Table, tablename="project", db=DB):
    """Names are unique within the organization, whatever the case."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    name = Text()
    description = Text(default="")
    color = Text(null=True, default=None, help_text="#rrggbb")
    archived = Boolean(default=False)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
