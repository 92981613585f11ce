"""Mail templates as answers have them. Pure."""

from typing import Any

from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record


def present(row: Record) -> dict[str, Any]:
    """A row as `MailTemplateOut`."""
    return {**dict(row), "created_at": isoformat(row["created_at"]), "updated_at": isoformat(row["updated_at"])}
