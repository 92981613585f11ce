"""Ids with a prefix, such as `wf_7q` or `con_01hx…`: a number in base 32 with a check letter, and back.

The letters are Crockford's base 32 in lower case; the last is the number modulo 31, so that a mistyped id is simply
one that does not exist instead of somebody else's row.
"""

import re

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
CHECK = 31
LONGEST = 40
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
_SHAPE = re.compile(rf"(?P<prefix>[a-z]+)_(?P<digits>[{ALPHABET}]+)(?P<check>[{ALPHABET}])")


def encode_id(prefix: str, number: int) -> str:
    """`number` (0 or more) as an id with this prefix."""
    digits, rest = "", number
    while rest or not digits:
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return f"{prefix}_{digits}{ALPHABET[number % CHECK]}"


def decode_id(prefix: str, text: str) -> int | None:
    """The number of an id with this prefix; None for anything that `encode_id` does not make."""
    found = _SHAPE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or found["prefix"] != prefix:
        return None
    number = 0
    for letter in found["digits"]:
        number = number * len(ALPHABET) + _VALUES[letter]
    return number if encode_id(prefix, number) == text else None
