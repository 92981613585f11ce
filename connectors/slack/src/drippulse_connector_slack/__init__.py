"""Slack for DripPulse: post messages, find people and channels."""

from drippulse_connector_slack._connector import SlackConnector

__all__ = ["SlackConnector"]
