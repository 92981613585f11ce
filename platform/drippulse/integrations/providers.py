"""The providers of the external tool adapters, and what else they are called (seed: API reference)."""

from typing import Final

PROVIDERS: Final[tuple[str, ...]] = (
    "google_workspace",
    "microsoft365",
    "slack",
    "salesforce",
    "hubspot",
    "stripe",
    "sendgrid",
    "zoom",
    "zendesk",
    "gong",
)

ALIASES: Final[dict[str, str]] = {
    "gmail": "google_workspace",
    "outlook": "microsoft365",
    "office365": "microsoft365",
    "sf": "salesforce",
    "sfdc": "salesforce",
    "hs": "hubspot",
    "sg": "sendgrid",
}

CREDENTIAL_FIELDS: Final[frozenset[str]] = frozenset(
    {
        "access_key",
        "access_token",
        "api_key",
        "api_token",
        "bot_token",
        "client_secret",
        "password",
        "refresh_token",
        "secret_key",
    }
)
"""Names under which providers take secrets. They belong into a connection and are refused in a workflow."""


def resolve_provider(text: str) -> str | None:
    """The provider that a key or an alias names, whatever its case; None when there is none."""
    key = text.strip().lower()
    return key if key in PROVIDERS else ALIASES.get(key)
