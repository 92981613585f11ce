"""What the actions take and answer. Limits and field names: Slack's Web API reference."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from drippulse_connector_sdk import ActionInput, ActionOutput

MAXIMUM_TEXT = 40_000  # chat.postMessage truncates beyond
MAXIMUM_BLOCKS = 50
PAGE = 200


def _blank_is_none(value: object) -> object:
    """Templates render a missing variable as an empty text, which means the same as leaving the field out."""
    return None if isinstance(value, str) and not value.strip() else value


OptionalText = Annotated[str | None, BeforeValidator(_blank_is_none)]
NonBlank = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class PostMessageInput(ActionInput):
    """A message. With an incoming webhook made by a Slack app, Slack ignores channel, username and icon_emoji."""

    text: str = Field(min_length=1, max_length=MAXIMUM_TEXT, description="mrkdwn; the notification text beside blocks")
    channel: OptionalText = Field(default=None, description="id or name; default: the connection's default_channel")
    blocks: list[dict[str, Any]] | None = Field(default=None, max_length=MAXIMUM_BLOCKS, description="Block Kit blocks")
    thread_ts: OptionalText = Field(default=None, pattern=r"^\d+\.\d+$", description="`ts` of the message to reply to")
    username: OptionalText = Field(default=None, max_length=80, description="needs the scope chat:write.customize")
    icon_emoji: OptionalText = Field(default=None, pattern=r"^:[^:\s]+:$", description="such as :bell:")
    unfurl_links: bool | None = Field(default=None, description="show previews of links")


class PostMessageOutput(ActionOutput):
    """Where the message went."""

    via: Literal["bot_token", "webhook"]
    channel: str | None = Field(description="the channel's id; null via webhook, which does not tell")
    ts: str | None = Field(description="the message's id in its channel; null via webhook, which does not tell")


class LookupUserInput(ActionInput):
    """Whom to look for."""

    email: NonBlank = Field(description="the address the person is registered with in the workspace")


class LookupUserOutput(ActionOutput):
    """A member of the workspace."""

    id: str
    name: str
    real_name: str | None = None
    deleted: bool = False
    tz: str | None = None


class ListChannelsInput(ActionInput):
    """Which page of the channels."""

    include_private: bool = Field(default=False, description="private channels the bot is in; needs groups:read")
    exclude_archived: bool = True
    limit: int = Field(default=PAGE, ge=1, le=1000, description="at most so many; Slack may answer fewer")
    cursor: OptionalText = Field(default=None, description="`next_cursor` of the page before")


class Channel(ActionOutput):
    """A channel."""

    id: str
    name: str
    is_private: bool = False
    is_archived: bool = False
    is_member: bool = False


class PageMetadata(BaseModel):
    """The cursor of Slack's paginated answers: empty on the last page."""

    next_cursor: str = ""


class ChannelsAnswer(BaseModel):
    """What conversations.list answers, as far as it is used."""

    channels: list[Channel]
    response_metadata: PageMetadata = PageMetadata()


class ListChannelsOutput(ActionOutput):
    """One page of channels."""

    channels: list[Channel]
    next_cursor: str | None = Field(description="null on the last page")
