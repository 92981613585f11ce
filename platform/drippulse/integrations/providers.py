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

OAUTH_FIELDS: Final = ("access_token", "refresh_token", "client_id", "client_secret", "token_url")

CONNECTION_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "google_workspace": (*OAUTH_FIELDS, "sender_email"),
    "microsoft365": OAUTH_FIELDS,
    "slack": ("webhook_url", "bot_token", "default_channel"),
    "salesforce": ("instance_url", *OAUTH_FIELDS, "api_version"),
    "hubspot": OAUTH_FIELDS,
    "stripe": ("secret_key",),
    "sendgrid": ("api_key", "default_from_email"),
    "zoom": OAUTH_FIELDS,
    "zendesk": ("subdomain", "email", "api_token"),
    "gong": ("access_key", "secret_key"),
}
"""What a connection holds as long as no connector is installed that says so itself (seed: External tool adapters)."""

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
