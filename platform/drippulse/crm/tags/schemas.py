"""What goes into and comes out of tags."""

from typing import Literal

from pydantic import BaseModel, Field

from drippulse.crm.schemas import Tag
from drippulse.kit.validation import Input


class TagUnderWay(BaseModel):
    """A change that goes on in the background."""

    action: Literal["rename", "delete"]
    new_name: str | None
    changeset_id: int
    updated: int = Field(description="Records so far; those to come still have the tag.")


class TagOut(BaseModel):
    """A tag, and how many records have it."""

    name: str
    counts: dict[str, int] = Field(description="Record type -> records.")
    record_count: int
    change: TagUnderWay | None = Field(description="What is happening to it.")


class TagList(BaseModel):
    tags: list[TagOut]
    total_count: int
    next_cursor: str | None = None


class TagUpdate(Input):
    """Another name. Where there is a tag of this name already, the two become one."""

    name: Tag


class TagChanged(BaseModel):
    """What became of a tag."""

    name: str = Field(description="Its name from now on, or the name of what was deleted.")
    status: Literal["completed", "running"] = Field(
        description="Above 10,000 records it goes on in the background: the tag's `change` tells how far it is."
    )
    merged: bool = Field(description="There was a tag of this name already.")
    updated: int = Field(description="Records so far.")
    changeset_id: int | None = Field(description="To revert it; null when nothing was to be done.")


READ_ONLY = (frozenset(TagOut.model_fields) | frozenset(TagChanged.model_fields)) - {"name"}
