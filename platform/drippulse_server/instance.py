"""The settings of the instance a command talks to: the environment's, else those of the `up` that runs beside it."""

import os
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr, ValidationError

from drippulse.settings import Settings
from drippulse_server.embedded.files import is_locked
from drippulse_server.env_files import RUNTIME_FILE, read_env_file
from drippulse_server.failures import CommandFailure, ExitCode

LOCK_FILE = "up.lock"
PREFIX = "DRIPPULSE_"


def connected_settings(data_dir: Path, *needed: str) -> Settings:
    """Settings with a database: from the environment when it names one, else from what the running `up` wrote down.

    What is found goes into the environment as well, so that code which reads the settings later sees the same.

    Args:
        needed: fields that must not be empty either; without a secret key links would be signed with a known one.

    Raises:
        CommandFailure: neither is there, or a variable is missing or not valid.
    """
    if not os.environ.get("DRIPPULSE_DATABASE_URL"):
        for name, value in running_instance(data_dir).items():
            if not os.environ.get(name):
                os.environ[name] = value
    settings = checked_settings()
    missing = [f"{PREFIX}{name.upper()}" for name in needed if not plain(getattr(settings, name))]
    if missing:
        sentence = f"{' and '.join(missing)} must be set for this command; `drippulse up` does so by itself."
        raise CommandFailure(sentence, ExitCode.SETTINGS)
    return settings


def plain(value: str | SecretStr) -> str:
    """A setting's text, secret or not."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def running_instance(data_dir: Path) -> dict[str, str]:
    """The DRIPPULSE_* values of the `up` that runs on this data folder.

    Raises:
        CommandFailure: none does.
    """
    try:
        values = read_env_file(data_dir / RUNTIME_FILE) if is_locked(data_dir / LOCK_FILE) else {}
    except (OSError, ValueError) as error:
        raise CommandFailure(f"The data folder {data_dir} cannot be read: {error}.", ExitCode.DATA_FOLDER) from error
    if not values:
        raise CommandFailure(
            f"Nothing runs on the data folder {data_dir}: start `drippulse up` there, name its folder with --data-dir, "
            "or set DRIPPULSE_DATABASE_URL."
        )
    return values


def checked_settings(**values: str) -> Settings:
    """Settings from the environment and `values` (by field name), which win.

    Raises:
        CommandFailure: a variable is not valid; the sentence names it.
    """
    try:
        return Settings(**cast("dict[str, Any]", values))
    except ValidationError as error:
        raise CommandFailure(settings_sentence(error), ExitCode.SETTINGS) from error


def settings_sentence(error: ValidationError) -> str:
    """Which variable is wrong, and why."""
    parts: list[str] = []
    for detail in error.errors(include_url=False):
        field = "".join(str(part) for part in detail["loc"][:1])
        message = detail["msg"].removeprefix("Value error, ")
        parts.append(f"{PREFIX}{field.removeprefix(PREFIX).upper()}: {message}" if field else message)
    return "The settings are not usable. " + "; ".join(parts).rstrip(".") + "."
