"""What goes in and out of trusted documents."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from drippulse.kit.validation import Input
from drippulse.organizations.audit.schemas import MakerOut

MAX_LENGTH = 100_000
MAX_MANIFEST = 200
HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line without control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Client = Annotated[str, StringConstraints(max_length=100), AfterValidator(_printable)]
Documents = Annotated[dict[Key, Text], Field(min_length=1, max_length=MAX_MANIFEST)]


class Manifest(Input):
    """Documents as a build writes them down: by their SHA-256 (hexadecimal, with or without `sha256:`) or by names."""

    documents: Documents = Field(description="SHA-256 or name -> text.")
    client: Client = Field(default="", description="The program that they belong to, such as web-app.")


class RegisteredOut(BaseModel):
    """What became of a manifest. It is registered as a whole or not at all."""

    created: int
    changed: int = Field(description="Were there under another name or client.")
    unchanged: int
    document_ids: dict[str, str] = Field(description="Each key of the manifest -> the id to run it by.")


class DocumentOut(BaseModel):
    """A document that may be run by its id."""

    document_id: str = Field(description="sha256:... as requests name it")
    sha256: str
    name: str
    client: str
    text: str
    created_by: MakerOut | None
    created_at: datetime
    updated_at: datetime


class DocumentList(BaseModel):
    documents: list[DocumentOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")
