"""The per-row problems as a CSV file that is safe to open in a spreadsheet."""

import csv
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from drippulse.enrollments.csv_import import ImportRow
from drippulse_server.failures import CommandFailure

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Watch: TypeAlias = Callable[[ImportRow], None]

FORMULAS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # the last four are full-width


def report(path: Path | None) -> "AbstractContextManager[Watch]":
    """Takes every row and writes those with a problem; without a path it writes nothing."""
    return nullcontext(_ignore) if path is None else _written(path)


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text


@contextmanager
def _written(path: Path) -> "Generator[Watch]":
    try:
        file = path.open("w", encoding="utf-8-sig", newline="")
    except OSError as error:
        raise CommandFailure(f"{path} cannot be written: {error.strerror or error}.") from error
    with file:
        writer = csv.writer(file)
        writer.writerow(["line", "problem", "value", "message", "enrolled"])

        def write(row: ImportRow) -> None:
            if row.problem is not None:
                enrolled = "no" if row.contact is None else "yes"
                value, message = harmless(row.problem.value), harmless(row.problem.message)
                writer.writerow([row.line, row.problem.kind.value, value, message, enrolled])

        yield write


def _ignore(_: ImportRow) -> None:
    """No report was asked for."""
