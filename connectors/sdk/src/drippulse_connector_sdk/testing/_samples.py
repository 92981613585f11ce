"""Credentials made up from the declared fields, each value findable in whatever must not hold it."""

from drippulse_connector_sdk._connector import Connector


def canary_credentials(connector_class: type[Connector]) -> dict[str, str]:
    """A value for every field of the connector; each has the word `canary` in it, and URLs are https URLs."""
    made = {one.name: f"canary-{one.name.replace('_', '-')}-7f3a9c" for one in connector_class.credential_fields()}
    urls = {one.name for one in connector_class.credential_fields() if one.url}
    return {name: f"https://provider.invalid/{value}/end" if name in urls else value for name, value in made.items()}
