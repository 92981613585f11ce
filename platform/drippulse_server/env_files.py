"""The small `NAME=value` files of a data folder, readable by their owner alone and by a shell (`set -a; . FILE`)."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from drippulse_server.embedded.files import write_private

SECRET_FILE = "secret.env"  # noqa: S105 - a file name
CREDENTIALS_FILE = "credentials.env"
RUNTIME_FILE = "runtime.env"


def read_env_file(path: Path) -> dict[str, str]:
    """Its values; empty when there is no such file.

    Raises:
        ValueError: a line is not NAME=value, or a quotation mark is left open.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    values: dict[str, str] = {}
    for word in shlex.split(text, comments=True):
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{path}: {word!r} is not NAME=value")
        values[name] = value
    return values


def write_env_file(path: Path, values: Mapping[str, str], comment: str) -> None:
    """Replaces the file (mode 0600) in one step; `comment` becomes its first line."""
    lines = [f"# {comment}", *(f"{name}={shlex.quote(value)}" for name, value in values.items()), ""]
    write_private(path, "\n".join(lines))
