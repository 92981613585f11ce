"""From the text of a cell to what is stored. Pure; each raises ValueError with a sentence."""

import math
import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from drippulse.crm.schemas import MAX_AMOUNT
from drippulse.kit.moments import storable_day, storable_moment

LARGEST = 2_147_483_647
NOT_A_NUMBER = 'must be a number such as "1200.50"'
NOT_A_DAY = 'must be a date such as "2026-03-31"'
_BLANKS = re.compile(r"[\s\u00a0\u202f'\u2019]+")
_SIGNS = re.compile(r"^[€$£¥]|[€$£¥%]$")
_COMMA_GROUPS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d*)?")
_DOT_GROUPS = re.compile(r"-?\d{1,3}(\.\d{3})+(,\d*)|-?\d{1,3}(\.\d{3}){2,}")
_DOTTED_THOUSANDS = re.compile(r"\d{1,3}(\.\d{3})+")
_DECIMAL_COMMA = re.compile(r"-?\d*,\d+")
_DOTTED_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_SLASHED_ISO = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})")
TRUE = frozenset({"true", "yes", "y", "1", "on", "x", "wahr", "ja", "oui", "sí", "si", "vrai", "verdadero"})
FALSE = frozenset({"false", "no", "n", "0", "off", "falsch", "nein", "non", "faux", "falso"})


def number(text: str) -> Decimal:
    """`1200.5`, `1,200.50`, `1.200,50`, `1200,5`, with a currency sign or % at either end. A single group of three
    digits behind a comma is thousands, behind a dot a fraction."""
    plain = _SIGNS.sub("", _BLANKS.sub("", text))
    if _COMMA_GROUPS.fullmatch(plain):
        plain = plain.replace(",", "")
    elif _DOT_GROUPS.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    try:
        found = Decimal(plain)
    except InvalidOperation:
        raise ValueError(NOT_A_NUMBER) from None
    if not found.is_finite() or abs(found.adjusted()) > 300:
        raise ValueError(NOT_A_NUMBER)
    return found


def amount(text: str) -> str:
    found = number(text)
    if abs(found) > MAX_AMOUNT:
        raise ValueError(f"must be a number of at most {MAX_AMOUNT}")
    return str(found.quantize(Decimal("0.01")))


def real(text: str) -> str:
    found = float(number(text))
    if not math.isfinite(found):
        raise ValueError(NOT_A_NUMBER)
    return repr(found)


def whole(text: str, least: int = 0, most: int = LARGEST) -> str:
    """A dot before three digits divides thousands here: there is no fraction."""
    found = number(text.replace(".", "") if _DOTTED_THOUSANDS.fullmatch(text) else text)
    if found != found.to_integral_value() or not least <= found <= most:
        raise ValueError(f"must be a whole number from {least} to {most}")
    return str(int(found))


def percent(text: str) -> str:
    return whole(text, 0, 100)


def boolean(text: str) -> bool:
    plain = text.strip().casefold()
    if plain not in TRUE and plain not in FALSE:
        raise ValueError("must be true or false")
    return plain in TRUE


def day(text: str, order: str | None = None) -> str:
    """ISO 8601, `31.12.2026` and `2026/12/31`; with slashes only where `order` (dmy or mdy) says which is which."""
    if found := _DOTTED_DAY.fullmatch(text):
        return _day(found[3], found[2], found[1])
    if found := _SLASHED_ISO.fullmatch(text):
        return _day(found[1], found[2], found[3])
    if found := _SLASHED_DAY.fullmatch(text):
        if order is None:
            raise ValueError("may mean two days; write it like 2026-03-31, or say date_order=dmy or mdy")
        return _day(found[3], found[2], found[1]) if order == "dmy" else _day(found[3], found[1], found[2])
    try:
        found_day = date.fromisoformat(text[:10] if _at_midnight(text) else text)
    except ValueError:
        raise ValueError(NOT_A_DAY) from None
    return storable_day(found_day).isoformat()


def moment(text: str, order: str | None = None) -> str:
    """ISO 8601; without a zone it is UTC. A day alone is its first moment."""
    head, _, rest = text.partition(" ")
    if _DOTTED_DAY.fullmatch(head) or _SLASHED_DAY.fullmatch(head) or _SLASHED_ISO.fullmatch(head):
        text = f"{day(head, order)} {rest}".strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('must be a time such as "2026-03-31T09:00:00Z"') from None
    return storable_moment(found).isoformat()


def _day(year: str, month: str, number_of_day: str) -> str:
    try:
        found = date(int(year), int(month), int(number_of_day))
    except ValueError:
        raise ValueError(NOT_A_DAY) from None
    return storable_day(found).isoformat()


def _at_midnight(text: str) -> bool:
    return len(text) >= 19 and text[10:19] in {"T00:00:00", " 00:00:00"}
