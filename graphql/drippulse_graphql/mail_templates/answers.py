"""What the models of mail templates are in the schema."""

from typing import Any

from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record
from drippulse.mail_templates.schemas import MailTemplateOut
from drippulse_graphql.kit.models.names import identified
from drippulse_graphql.kit.mutations import Subject

MAIL_TEMPLATE = Subject("MailTemplate")
identified(MailTemplateOut, MAIL_TEMPLATE.type_name)


def present(row: Record) -> dict[str, Any]:
    """A row as `MailTemplateOut`."""
    return {**dict(row), "created_at": isoformat(row["created_at"]), "updated_at": isoformat(row["updated_at"])}
