"""Credentials inside a URL: a password before its host, and parameters of its query whose names speak of one. Pure."""

import re
from collections import defaultdict
from urllib.parse import unquote_plus

MASK = "********"
"""What callers see of a secret, and send back to leave it as it is."""
SECRET_NAME = re.compile(
    r"authorization|auth(?!or)|bearer|cookie|credential|jwt|passw|pwd|secret|session|(?<![a-z])sig(?![a-z])|signature|"
    r"token|(?<!idempotency-)key(?![a-z])",
    re.IGNORECASE,
)
"""Names of headers and parameters that tell of a credential."""

# A template is taken whole, whatever it holds.
_PARAMETER = re.compile(r"([?&])([^=&#?{}]+)=((?>\{\{.*?\}\}|\{%.*?%\}|[^&#])*+)", re.DOTALL)
_PASSWORD = re.compile(r"^(\s*[a-z][a-z0-9+.-]*://[^/?#@:\\]*:)([^/?#@\\]+)@", re.IGNORECASE)


def hidden(url: str) -> str:
    """The URL, or its template, as callers see it."""
    url = _PASSWORD.sub(rf"\1{MASK}@", url)
    return _PARAMETER.sub(lambda found: f"{found[1]}{found[2]}={MASK}" if _secret(found) else found[0], url)


def restored(shown: str, stored: str) -> str | None:
    """A URL as it was sent, with what its masks stand for in the stored one; None when one stands for nothing there."""
    kept: dict[str, list[str]] = defaultdict(list)
    for found in _PARAMETER.finditer(stored):
        if _secret(found):
            kept[found[2]].append(found[3])
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        if found[3] != MASK:
            return found[0]
        missing = missing or not kept[found[2]]
        return found[0] if missing else f"{found[1]}{found[2]}={kept[found[2]].pop(0)}"

    password = _PASSWORD.match(stored)
    if password is not None:
        shown = _PASSWORD.sub(lambda found: f"{found[1]}{password[2]}@" if found[2] == MASK else found[0], shown)
    filled = _PARAMETER.sub(fill, shown)
    return None if missing or MASK in filled else filled


def origin(url: str) -> str:
    """Scheme, user, host and port of a URL as written, templates included."""
    return "/".join(_PASSWORD.sub(r"\1@", url).split("/")[:3]).lower()


def without_secrets(text: str, url: str) -> str:
    """A message about a call to `url`, with its credentials blotted out."""
    values = [found[3] for found in _PARAMETER.finditer(url) if _secret(found)]
    password = _PASSWORD.match(url)
    for value in sorted({*values, *([password[2]] if password else [])} - {""}, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _secret(found: re.Match[str]) -> bool:
    return bool(found[3]) and SECRET_NAME.search(unquote_plus(found[2])) is not None
