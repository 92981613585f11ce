"""Relay global ids: base64 of `Type:id`. Where an id is asked for, the integer id that REST answers does as well."""

import base64
import binascii

from drippulse.kit.errors import ValidationError
from drippulse.kit.ids import MAX_ID


class InvalidIdError(ValidationError):
    """Not an id of this schema, or an id of another type."""

    code = "invalid_id"


def encode_id(type_name: str, number: int) -> str:
    return base64.b64encode(f"{type_name}:{number}".encode()).decode()


def decode_id(text: str) -> tuple[str, int]:
    """The type and the integer id behind a global id.

    Raises:
        InvalidIdError: it is none.
    """
    try:
        type_name, _, number = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        type_name, number = "", ""
    if not type_name or not _is_number(number):
        raise InvalidIdError("This is not an id of this API. Send an `id` as a query answered it.")
    return type_name, int(number)


def id_of(text: str, type_name: str, *, field: str = "id") -> int:
    """The integer id of a `type_name`, from a global id or from the integer itself.

    Raises:
        InvalidIdError: it is none, or one of another type.
    """
    if _is_number(text):
        return int(text)
    found, number = decode_id(text)
    if found != type_name:
        sentence = f"This is the id of a {found}; send one of a {type_name}."
        raise InvalidIdError(sentence, errors={field: [sentence]})
    return number


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ID)) and int(text) <= MAX_ID
