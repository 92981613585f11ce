"""The environment that `up` hands to its children: what the user set, and what `up` fills in."""

import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drippulse_server.env_files import read_env_file, write_env_file
from drippulse_server.supervisor import ChildSpec
from drippulse_server.up.options import UpOptions

OWNER_URL = "DRIPPULSE_DATABASE_OWNER_URL"
SECRET_KEY = "DRIPPULSE_SECRET_KEY"  # noqa: S105 - the name of a variable
BASE_URL = "DRIPPULSE_BASE_URL"
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class Services:
    """Where PostgreSQL, Redis and the mail server are. `mailbox_port` is None when mail goes elsewhere."""

    database_url: str
    database_owner_url: str
    redis_url: str
    smtp_url: str
    mailbox_port: int | None


def secret_key(options: UpOptions) -> str:
    """The key from the environment, else the data folder's own, made on the first start."""
    if given := os.environ.get(SECRET_KEY):
        return given
    if kept := read_env_file(options.secret_file).get(SECRET_KEY):
        return kept
    made = secrets.token_urlsafe(48)
    write_env_file(options.secret_file, {SECRET_KEY: made}, "Signs sessions and links; whoever has it can forge them.")
    return made


def instance_values(options: UpOptions, services: Services, key: str) -> dict[str, str]:
    """The DRIPPULSE_* values of this instance, also for the commands that run beside it."""
    return {
        "DRIPPULSE_ENV": os.environ.get("DRIPPULSE_ENV") or "development",
        "DRIPPULSE_DATABASE_URL": services.database_url,
        OWNER_URL: services.database_owner_url,
        "DRIPPULSE_REDIS_URL": services.redis_url,
        "DRIPPULSE_SMTP_URL": services.smtp_url,
        "DRIPPULSE_PUBLIC_URL": os.environ.get("DRIPPULSE_PUBLIC_URL") or options.base_url,
        "DRIPPULSE_DATA_DIR": str(options.data_dir),
        SECRET_KEY: key,
    }


def full_environment(values: Mapping[str, str]) -> dict[str, str]:
    """For a child that changes the schema."""
    # A file named like a library in the current folder must not hide the library.
    return {**os.environ, **values, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}


def child_environment(values: Mapping[str, str]) -> dict[str, str]:
    """For a child that serves: without the owner's URL, so that it cannot step around row-level security.

    The children count into one folder, so that /metrics shows the whole instance.
    """
    shared = {METRICS_FOLDER: str(metrics_folder(Path(values["DRIPPULSE_DATA_DIR"])))}
    return {name: value for name, value in {**full_environment(values), **shared}.items() if name != OWNER_URL}


def metrics_folder(data_dir: Path) -> Path:
    """Empty at every start: what is in it belongs to processes that are gone."""
    folder = data_dir / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def command(*arguments: str) -> tuple[str, ...]:
    """`drippulse ARGUMENTS` with our own interpreter."""
    return (sys.executable, "-P", "-m", "drippulse_server", *arguments)


def children(options: UpOptions, services: Services, environment: Mapping[str, str]) -> list[ChildSpec]:
    """The processes of an instance in the order to start them."""
    commands: dict[str, tuple[str, ...]] = {}
    if services.mailbox_port is not None:
        commands["mailbox"] = ("mailbox", "--port", str(services.mailbox_port))
    commands["web"] = ("web", "--host", options.host, "--port", str(options.port))
    commands["worker"] = ("worker",)
    commands["scheduler"] = ("scheduler",)
    return [ChildSpec(name, command(*arguments), environment) for name, arguments in commands.items()]


def store_credentials(options: UpOptions, first: Mapping[str, str]) -> dict[str, str]:
    """Brings `credentials.env` up to date and answers what it holds.

    Args:
        first: what was made on the first start, by variable; empty later, which keeps the file's values.
    """
    kept = read_env_file(options.credentials_file)
    values = {**kept, **first, BASE_URL: options.base_url}
    if values != kept:
        write_env_file(options.credentials_file, values, "Made by `drippulse up`; keep it to yourself.")
    return values
