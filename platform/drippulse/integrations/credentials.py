"""A connection's fields: which ones a provider has, whether they are right, how they are stored."""

from collections.abc import Collection, Mapping
from typing import cast

import orjson

from drippulse.integrations.errors import UnreadableSecretsError
from drippulse.integrations.providers import CONNECTION_FIELDS
from drippulse.integrations.registry import load_connectors
from drippulse.kit.crypto import DecryptionError, Vault
from drippulse.kit.errors import ValidationError
from drippulse.kit.text import did_you_mean
from drippulse_connector_sdk import Connector, Credentials, InvalidCredentials

SHOWN_NAME = 64


def fields_of(provider: str, connectors: Mapping[str, type[Connector]]) -> tuple[str, ...]:
    """The installed connector's fields, or what the provider is documented to take."""
    connector = connectors.get(provider)
    if connector is not None:
        return tuple(field.name for field in connector.credential_fields())
    return CONNECTION_FIELDS.get(provider, ())


def merged(
    provider: str, stored: Mapping[str, str], given: Mapping[str, str | None], other_fields: Collection[str]
) -> dict[str, str]:
    """What the connection holds after `given`: new values in, null ones out, the rest as it was.

    Args:
        other_fields: what else the caller may send beside the provider's fields, for the hint at a misspelled name.

    Raises:
        ValidationError: a field is unknown (its nearest name is told), blank, or the connector finds it wrong.
            No value is quoted.
    """
    connectors = load_connectors()
    known = fields_of(provider, connectors)
    errors = {name: [_unknown(name, provider, known, other_fields)] for name in given if name not in known}
    for name, value in given.items():
        if value is not None and not value.strip():
            errors.setdefault(name, ["Must not be blank; leave it out to keep it, or send null to remove it."])
    values = {**stored, **given}
    kept = {name: value.strip() for name in known if (value := values.get(name))}
    if not errors:
        errors = _problems(kept, known, connectors.get(provider))
    if errors:
        name, sentences = next(iter(errors.items()))
        raise ValidationError(f"{name[:SHOWN_NAME]}: {sentences[0]}", errors=errors)
    return kept


def seal(values: Mapping[str, str], vault: Vault, organization_id: int, connection_id: int) -> bytes:
    """Ciphertext that decrypts in this row of this organization alone."""
    return vault.encrypt(orjson.dumps(dict(values)), _context(organization_id, connection_id))


def unseal(blob: bytes, vault: Vault, organization_id: int, connection_id: int) -> dict[str, str]:
    """The fields in plain text.

    Raises:
        UnreadableSecretsError: the ciphertext is another row's, or its key is not configured any more.
    """
    try:
        return cast("dict[str, str]", orjson.loads(vault.decrypt(blob, _context(organization_id, connection_id))))
    except DecryptionError:
        raise UnreadableSecretsError from None


def _context(organization_id: int, connection_id: int) -> str:
    return f"{organization_id}:integration_connection:{connection_id}"


def _unknown(name: str, provider: str, known: tuple[str, ...], other_fields: Collection[str]) -> str:
    hint = did_you_mean(name[:SHOWN_NAME], (*known, *other_fields))
    return f"Unknown field.{hint} The fields of {provider} are {', '.join(known)}."


def _problems(
    values: Mapping[str, str], known: tuple[str, ...], connector: type[Connector] | None
) -> dict[str, list[str]]:
    if connector is None:
        return {} if values else {known[0]: [f"Give one or more of {', '.join(known)}."]}
    try:
        Credentials(values, auth=connector.auth, settings=connector.settings)
    except InvalidCredentials as error:
        return error.errors or {known[0]: [error.message]}
    return {}
