"""E-mail addresses, as mail servers really take them.

Accepted is RFC 5321's mailbox with a dot-atom local part (letters outside ASCII too, RFC 6531) at a domain name with
at least two labels. Quoted local parts, comments, address literals and display names are no addresses here.
"""

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

MAX_ADDRESS_BYTES = 254
MAX_LOCAL_BYTES = 64
MAX_DOMAIN_BYTES = 253

_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\xa0()<>\[\]:;@\\,.\"]+(?:\.[^\s\x00-\x20\x7f-\xa0()<>\[\]:;@\\,.\"]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ANGLE = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>\s*")
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9 ]+")
_UNSAFE_IN_HEADER = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with the name shown beside it (may be empty)."""

    name: str
    address: str

    def __str__(self) -> str:
        """As a header has it, in Unicode; the name is quoted unless it is plain words."""
        if not self.name:
            return self.address
        if _PLAIN_WORDS.fullmatch(self.name):
            return f"{self.name} <{self.address}>"
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.address}>'


def normalize_address(text: str) -> str | None:
    """The address without surrounding blanks and with its domain in lower case, or None when it is not one.

    An international domain stays in the letters it was written in once it is proven to have an IDNA form. The local
    part is the receiver's own affair and keeps its case.
    """
    local, at, domain = text.strip().rpartition("@")
    domain = domain.lower().removesuffix(".")
    if not at or len(local.encode(errors="replace")) > MAX_LOCAL_BYTES or _LOCAL.fullmatch(local) is None:
        return None
    if not _is_domain(domain):
        return None
    address = f"{local}@{domain}"
    try:
        return address if len(address.encode()) <= MAX_ADDRESS_BYTES else None
    except UnicodeEncodeError:
        return None


def same_mailbox_key(address: str) -> str:
    """Equal for all spellings of one mailbox: case, composed or decomposed letters, international domain or its IDNA.

    Local parts are told apart by case by no mail server in use, so somebody who unsubscribed is not written to again
    because a list has the address in capitals.
    """
    if address.isascii():  # nearly all of them, at a tenth of the time
        local, _, domain = address.strip().lower().rpartition("@")
        return f"{local}@{domain.removesuffix('.')}"
    local, _, domain = unicodedata.normalize("NFC", address.strip()).rpartition("@")
    with contextlib.suppress(UnicodeError):
        domain = domain.lower().encode("idna").decode("ascii")
    return f"{unicodedata.normalize('NFC', local.casefold())}@{domain.lower().removesuffix('.')}"


def parse_mailbox(text: str) -> Mailbox | None:
    """Reads `ana@example.com` or `Ana Souza <ana@example.com>`; None when there is not exactly one valid address."""
    angle = _ANGLE.fullmatch(text)
    name, raw = (angle["name"], angle["address"]) if angle else ("", text)
    address = normalize_address(raw)
    if address is None:
        return None
    return Mailbox(name=one_line(name.strip().strip('"')), address=address)


def one_line(text: str) -> str:
    """`text` fit for a header: every run of control characters (a line break above all) becomes one blank."""
    return _UNSAFE_IN_HEADER.sub(" ", text).strip()


@lru_cache(maxsize=4096)
def _is_domain(domain: str) -> bool:
    if domain.isascii():
        ascii_domain = domain
    else:
        try:
            ascii_domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return False
    labels = ascii_domain.split(".")
    return (
        len(ascii_domain) <= MAX_DOMAIN_BYTES
        and len(labels) > 1
        and not labels[-1].isdigit()
        and all(_LABEL.fullmatch(label) for label in labels)
    )
