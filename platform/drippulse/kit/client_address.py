"""Where a request comes from, when it may have come through proxies."""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Raises ValueError for what is no address and no network."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy: the peer, or what the proxies say of the one before them.

    Args:
        peer: the other end of the connection.
        forwarded_for: the values of the X-Forwarded-For headers; anybody can send them, so they count only as far as
            trusted proxies appended to them.
    """
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    current = peer
    while hops and _is_trusted(current, trusted):
        said = hops.pop()
        if not _is_address(said):
            break
        current = said
    return _subject(current)


@lru_cache(maxsize=10_000)
def _subject(address: str) -> str:
    """What is counted as one: an IPv4 address, or the /64 that an IPv6 host has to itself."""
    try:
        ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address) or ip.ipv4_mapped:
        return str(ip if isinstance(ip, ipaddress.IPv4Address) else ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), 64), strict=False))


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    if not _is_address(address):
        return False
    ip = ipaddress.ip_address(address)
    return any(ip in network for network in trusted if network.version == ip.version)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
