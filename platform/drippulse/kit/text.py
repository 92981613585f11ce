"""Sentences about names: what the caller probably meant."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to `name`, or None when nothing is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean "x"?` or an empty string, to end a sentence with."""
    suggestion = nearest(name, known)
    return f' Did you mean "{suggestion}"?' if suggestion else ""
