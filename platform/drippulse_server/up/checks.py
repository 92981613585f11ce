"""What must be right before `up` starts anything. Each check ends the command with one sentence and its exit code."""

import errno
import os
import socket
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from drippulse_server.failures import CommandFailure, ExitCode

CONNECT_SECONDS = 5.0
HIGHEST_PORT = 65535


def free_port(host: str, port: int) -> int:
    """`port` when it can be listened on; a free one for 0.

    Raises:
        CommandFailure: exit code 3.
    """
    if not 0 <= port <= HIGHEST_PORT:  # getaddrinfo takes larger ones, modulo 65536
        raise CommandFailure(f"{port} is no port: choose one from 1 to {HIGHEST_PORT}.", ExitCode.PORT_TAKEN)
    try:
        addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = addresses[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT are in nobody's way
            probe.bind(address)
            probe.listen(1)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise CommandFailure(_port_sentence(host, port, error), ExitCode.PORT_TAKEN) from error


def _port_sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program: stop it, or choose another one with --port."
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}: choose one above 1023 with --port."
    return f"Cannot listen on {host}, port {port} ({error.strerror or error}): check --host and --port."


def usable_data_dir(folder: Path) -> bool:
    """Makes the folder when it is absent and tries to write in it; True when it was made just now.

    Raises:
        CommandFailure: exit code 4.
    """
    made = not folder.exists()
    try:
        folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return made
    except FileExistsError as error:
        sentence = f"The data folder {folder} is a file: remove it, or name another folder with --data-dir."
        raise CommandFailure(sentence, ExitCode.DATA_FOLDER) from error
    except OSError as error:
        sentence = f"The data folder {folder} cannot be written ({error.strerror}): mend it, or use --data-dir."
        raise CommandFailure(sentence, ExitCode.DATA_FOLDER) from error


async def reachable_database(url: str, variable: str = "DRIPPULSE_DATABASE_URL") -> None:
    """Connects to PostgreSQL once; `variable` is where the URL comes from.

    Raises:
        CommandFailure: exit code 5.
    """
    import asyncpg

    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = _reason(error)
        sentence = f"PostgreSQL at {without_secrets(url)} cannot be reached ({reason}): check {variable}."
        raise CommandFailure(sentence, ExitCode.DATABASE) from error
    await connection.close()


async def reachable_redis(url: str) -> None:
    """Pings Redis once.

    Raises:
        CommandFailure: exit code 6.
    """
    import redis.asyncio

    try:
        async with redis.asyncio.Redis.from_url(url, socket_timeout=CONNECT_SECONDS) as client:  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
            await client.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - typed for both kinds of client
    except (OSError, ValueError, redis.RedisError) as error:
        reason = _reason(error)
        sentence = f"Redis at {without_secrets(url)} cannot be reached ({reason}): check DRIPPULSE_REDIS_URL."
        raise CommandFailure(sentence, ExitCode.REDIS) from error


def without_secrets(url: str) -> str:
    """A URL as one may print it: no user, no password, no query."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{host}{port}{parts.path}" if parts.scheme else "(not a URL)"


def _reason(error: Exception) -> str:
    """Why there is no connection, in as few words as there are."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno in errno.errorcode:
            return os.strerror(cause.errno).lower()
        cause = cause.__cause__ or cause.__context__
    return (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
