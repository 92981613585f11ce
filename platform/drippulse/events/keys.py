"""Who an event is about. Pure.

A key is a `lead_ref` as it was given, an e-mail address as `same_mailbox_key` spells it, or `enrollment:<id>`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from drippulse.kit.addresses import normalize_address, same_mailbox_key

MAX_KEY = 500
MOST_KEYS = 2


def normal_key(text: str) -> str:
    """One spelling for all that mean the same: addresses without regard to case, anything else without outer blanks."""
    address = normalize_address(text)
    return same_mailbox_key(address) if address else text.strip()[:MAX_KEY]


def contact_keys(lead_ref: Any, email: Any) -> tuple[str, ...]:
    """The keys of a contact, its reference first; none when nothing is known of it."""
    given = (str(one) for one in (lead_ref, email) if isinstance(one, str | int) and not isinstance(one, bool))
    return tuple(dict.fromkeys(key for key in map(normal_key, given) if key))


def enrollment_key(enrollment_id: int | str) -> str:
    return f"enrollment:{enrollment_id}"


def keys_of(record_type: str, record_id: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys of an event of our own: what its data says of the contact, and the run that it belongs to."""
    found = contact_keys(data.get("lead_ref"), data.get("email"))
    if record_type == "enrollment" and "email" in data:
        found = (*found[:1], enrollment_key(record_id))
    return found[:MOST_KEYS]


def spellings(keys: Iterable[str]) -> list[str]:
    """The keys, and how `lower(email)` of an enrollment spells an address at an international domain."""
    found = dict.fromkeys(keys)
    for key in list(found):
        local, at, domain = key.rpartition("@")
        if at and "xn--" in domain:
            try:
                found[f"{local}@{domain.encode().decode('idna')}"] = None
            except UnicodeError:
                continue
    return list(found)


def watch_number(organization_id: int, event_type: str, key: str) -> int:
    """The advisory lock that a run holds while it looks back for an event and registers its wait."""
    name = f"event:{organization_id}:{event_type}:{key}"
    return int.from_bytes(hashlib.blake2b(name.encode(errors="replace"), digest_size=8).digest(), "big", signed=True)
