"""Telling people from scanners and prefetchers. Pure."""

import re
from datetime import datetime, timedelta

SCANNERS = re.compile(
    r"bot\b|crawl|spider|scan|preview|monitor|curl|wget|python|java/|go-http|okhttp|headless|barracuda|proofpoint|mimecast|"
    r"safelinks|trendmicro|fortinet|symantec|urldefense|zscaler|slurp|facebookexternalhit|slack|whatsapp",
    re.IGNORECASE,
)
FASTEST_HUMAN = timedelta(seconds=2)


def is_human(method: str, user_agent: str | None, sent_at: datetime | None, at: datetime) -> bool:
    """Whether an open or click looks like a person's.

    Not a person: HEAD requests, no or a scanner's user agent, and anything within 2 s of the mail's delivery, which is
    what security gateways do when they follow every link of an arriving mail.
    """
    if method == "HEAD" or not user_agent or SCANNERS.search(user_agent):
        return False
    return sent_at is None or at - sent_at >= FASTEST_HUMAN
