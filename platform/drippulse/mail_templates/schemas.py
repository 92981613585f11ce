"""What goes into mail templates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateTexts:
    """The Liquid texts of a template; `sender` is a mailbox (`Ana <ana@example.com>`)."""

    name: str
    subject: str
    body: str | None
    html: str | None
    sender: str | None
