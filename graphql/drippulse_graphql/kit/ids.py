"""Relay global ids: base64 of `Type:id`. Where an id is asked for, the id that REST answers does as well."""

import base64
import binascii
from typing import NoReturn, TypeAlias
from uuid import UUID

from drippulse.kit.errors import ValidationError
from drippulse.kit.ids import MAX_ID, uuid_or_none

Key: TypeAlias = int | UUID
"""What a row is known by."""


class InvalidIdError(ValidationError):
    """Not an id of this schema, or an id of another type."""

    code = "invalid_id"


def encode_id(type_name: str, key: Key) -> str:
    return base64.b64encode(f"{type_name}:{key}".encode()).decode()


def decode_id(text: str, *, field: str = "id") -> tuple[str, Key]:
    """The type and the key behind a global id.

    Raises:
        InvalidIdError: it is none.
    """
    try:
        type_name, _, written = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        type_name, written = "", ""
    key = read_key(written)
    if not type_name or key is None:
        sentence = "This is not an id of this API. Send an `id` as a query answered it."
        raise InvalidIdError(sentence, errors={field: [sentence]})
    return type_name, key


def read_key(text: str) -> Key | None:
    """A key as REST writes it; None for anything else."""
    return int(text) if _is_number(text) else uuid_or_none(text) if len(text) == 36 else None


def key_of(text: str, type_name: str, *, field: str = "id") -> Key:
    """The key of a `type_name`, from a global id or from the key itself.

    Raises:
        InvalidIdError: it is none, or one of another type.
    """
    plain = read_key(text)
    if plain is not None:
        return plain
    found, key = decode_id(text, field=field)
    if found != type_name:
        sentence = f"This is the id of a {found}; send one of a {type_name}."
        raise InvalidIdError(sentence, errors={field: [sentence]})
    return key


def id_of(text: str, type_name: str, *, field: str = "id") -> int:
    """The same of a type whose keys are integers."""
    key = key_of(text, type_name, field=field)
    return key if isinstance(key, int) else _refuse(type_name, field)


def uuid_of(text: str, type_name: str, *, field: str = "id") -> UUID:
    """The same of a type whose keys are UUIDs."""
    key = key_of(text, type_name, field=field)
    return key if isinstance(key, UUID) else _refuse(type_name, field)


def _refuse(type_name: str, field: str) -> NoReturn:
    sentence = f"This is not the id of a {type_name}."
    raise InvalidIdError(sentence, errors={field: [sentence]})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID
