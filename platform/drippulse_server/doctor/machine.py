"""Checks that need neither PostgreSQL nor Redis."""

import os
import platform
import stat
import sys
from pathlib import Path

from drippulse.settings import MINIMUM_SECRET_LENGTH, Settings
from drippulse_server.doctor.check import Check, fail, ok, skipped
from drippulse_server.env_files import CREDENTIALS_FILE, RUNTIME_FILE, SECRET_FILE

OLDEST_PYTHON = (3, 11)


def python_version() -> Check:
    """The interpreter we run in."""
    name = "Python"
    if sys.version_info < OLDEST_PYTHON:
        return fail(name, platform.python_version(), "install Python 3.11 or newer")
    return ok(name, platform.python_version())


def settings_complete(settings: Settings) -> Check:
    """What no process can do without; validity has been checked by then."""
    name = "settings"
    missing = [
        variable
        for variable, value in (
            ("DRIPPULSE_REDIS_URL", settings.redis_url),
            ("DRIPPULSE_SMTP_URL", settings.smtp_url),
            ("DRIPPULSE_SECRET_KEY", settings.secret_key.get_secret_value()),
        )
        if not value
    ]
    if missing:
        return fail(
            name,
            f"{', '.join(missing)} not set",
            f"set them; a secret key has {MINIMUM_SECRET_LENGTH} or more characters (openssl rand -base64 48)",
        )
    if not settings.development and not settings.public_url.startswith("https://"):
        return fail(name, f"PUBLIC_URL is {settings.public_url}", "give it the https:// address recipients reach")
    return ok(name, f"valid, {settings.env.value}")


def data_dir_private(data_dir: Path) -> Check:
    """Nobody else may read the secrets of the data folder."""
    name = "data folder"
    if not data_dir.is_dir():
        return skipped(name, f"there is no {data_dir} here")
    open_files = [
        str(path)
        for path in (data_dir / file for file in (SECRET_FILE, CREDENTIALS_FILE, RUNTIME_FILE))
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    if open_files:
        return fail(name, f"others may read {', '.join(open_files)}", f"chmod 600 {' '.join(open_files)}")
    if not os.access(data_dir, os.W_OK | os.X_OK):
        return fail(
            name, f"{data_dir} cannot be written by this user", f"chown it, or use the user that owns {data_dir}"
        )
    return ok(name, str(data_dir))


def connectors_load() -> Check:
    """Every installed connector can be imported."""
    from drippulse.integrations.registry import connector_problems, load_connectors

    name = "connectors"
    connectors = load_connectors()
    if problems := connector_problems():
        return fail(name, " ".join(map(str, problems)), "reinstall or remove the connector that is named")
    if not connectors:
        return fail(name, "none is installed", "run `make install`, or pip install drippulse-connector-slack")
    return ok(name, ", ".join(sorted(connectors)))
