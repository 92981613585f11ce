"""Telling people from scanners and prefetchers. Pure.

What cannot be told: Apple Mail's privacy proxy loads every picture of every mail with the user agent of a browser, so
its opens look like a person's. Build on clicks and replies where it matters.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|preview|monitor|curl|wget|python|java/|go-http|okhttp|headless|barracuda|proofpoint|mimecast|"
    r"safelinks|trendmicro|fortinet|symantec|urldefense|zscaler|slurp|facebookexternalhit|slack|whatsapp|telegram|"
    r"discord|skypeuri|linkcheck|phish|checkpoint|sophos|cloudmark|messagelabs|ironport|axios|node-fetch|libwww|"
    r"phantomjs|puppeteer|playwright|lighthouse",
    re.IGNORECASE,
)
PREFETCH = re.compile(r"\b(prefetch|prerender|preview)\b", re.IGNORECASE)
PURPOSE_HEADERS = ("sec-purpose", "purpose", "x-purpose", "x-moz")
FASTEST_HUMAN = timedelta(seconds=2)
BURST = timedelta(seconds=5)
BURST_LINKS = 3


def is_human(
    method: str, user_agent: str | None, sent_at: datetime | None, at: datetime, *, prefetched: bool = False
) -> bool:
    """Whether an open or click looks like a person's.

    Not a person: HEAD requests, what a browser says it fetches ahead, no or a scanner's user agent, and anything within
    2 s of the mail's delivery, which is what security gateways do when they follow every link of an arriving mail.
    """
    if method == "HEAD" or prefetched or not user_agent or SCANNERS.search(user_agent):
        return False
    return sent_at is None or at - sent_at >= FASTEST_HUMAN


def is_burst(other_links: int) -> bool:
    """Whether a click belongs to a sweep over the mail's links: with `other_links` different ones of the same mail
    followed within `BURST` before it. People read in between."""
    return other_links + 1 >= BURST_LINKS


def is_prefetch(headers: Mapping[str, str]) -> bool:
    """Whether the request says that nobody asked for it yet."""
    return any(PREFETCH.search(headers.get(name, "")) for name in PURPOSE_HEADERS)
