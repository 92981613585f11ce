"""Cells of CSV files. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - the full-width forms are what spreadsheets take too
"""What makes a spreadsheet take a text for a formula (source: OWASP, CSV injection)."""
BLANK = " \u00a0\u3000\ufeff\u200b"
"""What a spreadsheet may pass over before it looks."""


def cell(value: str | float | list[Any] | Mapping[str, Any] | None, *, formula_safe: bool) -> str:
    """One value: lists with commas between, objects as JSON, times as they are in JSON.

    Args:
        formula_safe: an apostrophe goes before texts that a spreadsheet would calculate. Numbers stay.
    """
    if isinstance(value, str):  # nearly all of them
        return f"'{value}" if formula_safe and is_formula(value) else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return orjson.dumps(value).decode() if value else ""
    return cell(",".join(str(one) for one in value), formula_safe=formula_safe)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may calculate it."""
    if not text:
        return False
    return text[0] in FORMULA or (text[0] in BLANK and text.lstrip(BLANK)[:1] in FORMULA)


def lines(rows: Iterable[Sequence[Any]], *, formula_safe: bool) -> bytes:
    """Rows as RFC 4180 has them, in UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell(value, formula_safe=formula_safe) for value in row])
    return buffer.getvalue().encode("utf-8", "replace")
