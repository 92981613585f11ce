"""The links in an HTML text. Pure."""

import html
import re
from collections.abc import Callable

# No part may run over a "<": text full of unfinished tags would otherwise be searched to its end from each of them.
HREF = re.compile(r"""(<a\b[^<>]*?\bhref\s*=\s*)(?:"([^"<]*)"|'([^'<]*)')""", re.IGNORECASE)
MAX_LINKS = 200


def links_in(markup: str) -> tuple[str, ...]:
    """The http(s) targets of `<a href>`, unescaped, each once, in order, 200 at most."""
    found = (_target(match) for match in HREF.finditer(markup))
    return tuple(dict.fromkeys(url for url in found if url.lower().startswith(("http://", "https://"))))[:MAX_LINKS]


def replace_links(markup: str, replacement: Callable[[str], str | None]) -> str:
    """The text with every `<a href>` target exchanged for what `replacement` returns; None leaves it."""

    def rewrite(match: re.Match[str]) -> str:
        new = replacement(_target(match))
        return match[0] if new is None else f'{match[1]}"{html.escape(new)}"'

    return HREF.sub(rewrite, markup)


def _target(match: re.Match[str]) -> str:
    return html.unescape(match[2] if match[2] is not None else match[3]).strip()
