"""New ids for many records at once, in rising order, so that indexes grow at their end alone."""

import secrets
import time
from collections.abc import Iterator

from drippulse.kit.public_ids import ALPHABET, CHECK
from drippulse.kit.uuid7 import VARIANT, VERSION

RANDOM_BITS = 62
COUNTED = 1 << 12
PAIR_BITS = 10
PAIRS = 13
_PAIRS = tuple(first + second for first in ALPHABET for second in ALPHABET)
_SHIFTS = tuple(PAIR_BITS * place for place in reversed(range(PAIRS)))


def new_numbers(count: int) -> Iterator[int]:
    """UUIDs of version 7 as numbers. The 12 bits after the version count within a millisecond (RFC 9562, section 6.2,
    method 1); what is more takes the milliseconds that follow."""
    milliseconds = time.time_ns() // 1_000_000 & (1 << 48) - 1
    noise = memoryview(secrets.token_bytes(8 * count)).cast("Q")
    mask, variant = (1 << RANDOM_BITS) - 1, VARIANT << RANDOM_BITS
    for index in range(count):
        ahead, counter = divmod(index, COUNTED)
        yield ((milliseconds + ahead) << 16 | VERSION << 12 | counter) << 64 | variant | noise[index] & mask


def public_form(prefix: str, number: int) -> str:
    """What `encode_id` makes of it, in a quarter of the time."""
    digits = "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS]).lstrip("0")
    return f"{prefix}_{digits or '0'}{ALPHABET[number % CHECK]}"
