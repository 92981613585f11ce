"""Google Sheets that are shared by link: the address that gives a sheet as CSV. Pure."""

import re
from urllib.parse import parse_qs, urlsplit

HOST = "docs.google.com"
_SHEET = re.compile(r"/spreadsheets/d/([A-Za-z0-9_-]{10,200})(?:/.*)?")
_PUBLISHED = re.compile(r"/spreadsheets/d/e/([A-Za-z0-9_-]{10,200})(?:/.*)?")
_GID = re.compile(r"[0-9]{1,12}")


def export_url(link: str, base: str = f"https://{HOST}") -> str | None:
    """From the link of a sheet, shared or published, whose `gid` names the tab (the first one without); None for
    another address.

    Args:
        base: instead of Google's own.
    """
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return None
    if parts.hostname != HOST:
        return None
    told = {**parse_qs(parts.query), **parse_qs(parts.fragment)}.get("gid", [""])[-1]
    gid = told if _GID.fullmatch(told) else ""
    if found := _PUBLISHED.fullmatch(parts.path):
        return f"{base}/spreadsheets/d/e/{found[1]}/pub?output=csv" + (f"&gid={gid}&single=true" if gid else "")
    if found := _SHEET.fullmatch(parts.path):
        return f"{base}/spreadsheets/d/{found[1]}/export?format=csv" + (f"&gid={gid}" if gid else "")
    return None
