"""The SDK's contract suite on Slack."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drippulse_connector_sdk.testing import ConnectorContract, Reply
from drippulse_connector_slack import SlackConnector


class TestSlackContract(ConnectorContract):
    connector_class = SlackConnector
    sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "post_message": {"text": "Hello", "channel": "#general", "thread_ts": "1503435956.000247"},
        "lookup_user_by_email": {"email": "spengler@ghostbusters.example.com"},
        "list_channels": {},
    }
    sample_replies: ClassVar[Mapping[str, Reply]] = {
        "post_message": Reply(body={"ok": True, "channel": "C1H9RESGL", "ts": "1503435956.000247"}),
        "lookup_user_by_email": Reply(body={"ok": True, "user": {"id": "W012A3CDE", "name": "spengler"}}),
        "list_channels": Reply(body={"ok": True, "channels": [{"id": "C012AB3CD", "name": "general"}]}),
    }


class TestSlackWebhookContract(ConnectorContract):
    """With a webhook alone, of which only posting can be said anything."""

    connector_class = SlackConnector
    sample_credentials: ClassVar[Mapping[str, str]] = {
        "webhook_url": "https://hooks.slack.com/services/T1/B1/canaryhook"
    }
    sample_payloads: ClassVar[Mapping[str, Mapping[str, Any]]] = {"post_message": {"text": "Hello"}}
    sample_replies: ClassVar[Mapping[str, Reply]] = {"post_message": Reply(body="ok")}
    action_names = ("post_message",)
