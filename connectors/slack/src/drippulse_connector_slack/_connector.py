"""Slack: the Web API with a bot token, or an incoming webhook."""

from collections.abc import Mapping
from typing import Any

from drippulse_connector_sdk import (
    ActionCall,
    BearerToken,
    Connector,
    CredentialField,
    Idempotency,
    InvalidCredentials,
    InvalidInput,
    OneOf,
    WebhookUrl,
    action,
    json_object,
    raise_for_status,
)
from drippulse_connector_slack._errors import web_api_error, webhook_error
from drippulse_connector_slack._models import (
    ChannelsAnswer,
    ListChannelsInput,
    ListChannelsOutput,
    LookupUserInput,
    LookupUserOutput,
    PostMessageInput,
    PostMessageOutput,
)

_JSON = "application/json; charset=utf-8"


class SlackConnector(Connector):
    """A connection holds webhook_url or bot_token, or both.

    With a bot token and a known channel, messages go through chat.postMessage; else through the webhook. An
    overridden base URL takes the place of https://slack.com and of the webhook's host alike.
    """

    key = "slack"
    name = "Slack"
    description = "Post messages and alerts to channels, and find people and channels."
    base_url = "https://slack.com"
    auth = OneOf(
        (
            WebhookUrl(help="Incoming webhook URL; posts to the one channel it was made for."),
            BearerToken(name="bot_token", help="Bot token (xoxb-…) with the scope chat:write."),
        )
    )
    settings = (
        CredentialField(
            "default_channel", "Channel of messages that name none: an id or a name.", secret=False, required=False
        ),
    )

    @action(
        name="post_message",
        title="Post a message",
        description="Posts a message to a channel, to the connection's default_channel, or through its webhook. "
        "Slack has no idempotency key for messages, so a post whose answer is lost is not repeated.",
        idempotency=Idempotency.AT_MOST_ONCE,
    )
    async def post_message(self, call: ActionCall, message: PostMessageInput) -> PostMessageOutput:
        channel = message.channel or self.credentials.get("default_channel")
        body = message.model_dump(exclude_none=True) | ({"channel": channel} if channel else {})
        if "bot_token" in self.credentials and channel:
            answer = await self._web_api(call, "POST", "chat.postMessage", body=body)
            return PostMessageOutput(via="bot_token", channel=answer.get("channel"), ts=answer.get("ts"))
        if "webhook_url" not in self.credentials:
            sentence = "Name a channel here, or set default_channel on the connection."
            raise InvalidInput(f"The message has no channel. {sentence}", errors={"channel": [sentence]})
        url = self.rebase(self.credentials["webhook_url"])
        response = await self.send(call, "POST", url, headers={"Content-Type": _JSON}, json=body)
        if failure := webhook_error(response, repeatable=call.repeatable):
            raise failure
        return PostMessageOutput(via="webhook", channel=None, ts=None)

    @action(
        name="lookup_user_by_email",
        title="Find a person by email",
        description="Finds a member of the workspace by email address. Needs a bot token with users:read.email.",
        idempotency=Idempotency.READ,
    )
    async def lookup_user_by_email(self, call: ActionCall, query: LookupUserInput) -> LookupUserOutput:
        answer = await self._web_api(call, "GET", "users.lookupByEmail", params={"email": query.email})
        return LookupUserOutput.model_validate(answer.get("user"))

    @action(
        name="list_channels",
        title="List channels",
        description="Lists the workspace's channels, a page at a time. Needs a bot token with channels:read.",
        idempotency=Idempotency.READ,
    )
    async def list_channels(self, call: ActionCall, query: ListChannelsInput) -> ListChannelsOutput:
        params = {
            "types": "public_channel,private_channel" if query.include_private else "public_channel",
            "exclude_archived": str(query.exclude_archived).lower(),
            "limit": str(query.limit),
        }
        if query.cursor:
            params["cursor"] = query.cursor
        page = ChannelsAnswer.model_validate(await self._web_api(call, "GET", "conversations.list", params=params))
        return ListChannelsOutput(channels=page.channels, next_cursor=page.response_metadata.next_cursor or None)

    async def check(self, call: ActionCall) -> None:
        """auth.test with the bot token. A webhook cannot be tried without posting: its shape was checked before."""
        if "bot_token" in self.credentials:
            await self._web_api(call, "POST", "auth.test", body={})

    async def _web_api(
        self,
        call: ActionCall,
        verb: str,
        method: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Call a Web API method; its answer, which has `ok: true`.

        Raises:
            InvalidCredentials: the connection has no bot token.
            ConnectorError: as the SDK sorts it.
        """
        if "bot_token" not in self.credentials:
            sentence = "This action needs a bot token; a webhook can only post messages."
            raise InvalidCredentials(sentence, errors={"bot_token": [sentence]})
        headers = self.auth.headers(self.credentials) | ({} if body is None else {"Content-Type": _JSON})
        response = await self.send(call, verb, self.url(f"/api/{method}"), headers=headers, json=body, params=params)
        answer = json_object(raise_for_status(response, repeatable=call.repeatable), repeatable=call.repeatable)
        if answer.get("ok") is True:
            return answer
        raise web_api_error(answer.get("error"), response, repeatable=call.repeatable)
