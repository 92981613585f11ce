"""A source's secrets: encrypted where they are stored, read by whoever reads the source and nobody else."""

from collections.abc import Mapping
from typing import Final, cast

import orjson

from drippulse.data_sources.errors import SourceError
from drippulse.kit.crypto import DecryptionError, Vault

UNREADABLE: Final = (
    "The stored secrets of this data source cannot be decrypted: their encryption key is not configured any more. "
    "Send them again."
)


def seal(values: Mapping[str, str], vault: Vault, organization_id: int, source_id: int) -> bytes | None:
    """Ciphertext that decrypts in this row of this organization alone; None for nothing."""
    return vault.encrypt(orjson.dumps(dict(values)), _context(organization_id, source_id)) if values else None


def unseal(blob: bytes | None, vault: Vault, organization_id: int, source_id: int) -> dict[str, str]:
    """Raises SourceError when the ciphertext is another row's, or its key is gone."""
    if blob is None:
        return {}
    try:
        return cast("dict[str, str]", orjson.loads(vault.decrypt(blob, _context(organization_id, source_id))))
    except DecryptionError:
        raise SourceError(UNREADABLE) from None


def _context(organization_id: int, source_id: int) -> str:
    return f"{organization_id}:data_source:{source_id}"
