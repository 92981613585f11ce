"""Table of mail templates."""

from piccolo.columns import BigInt, BigSerial, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class MailTemplate(Table, tablename="mail_template", db=DB):
    """Texts in Liquid. `version` rises with every change; workflow versions hold a snapshot of what they use."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    name = Text()
    subject = Text()
    body = Text(null=True, default=None)
    html = Text(null=True, default=None)
    sender = Text(null=True, default=None)
    version = Integer(default=1)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
    deleted_at = Timestamptz(null=True, default=None)
