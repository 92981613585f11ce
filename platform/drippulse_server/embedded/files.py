"""Folders, locks, secrets and short socket paths of the embedded services."""

import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from drippulse_server.embedded.errors import EmbeddedServiceError

SOCKET_PATH_LIMIT = 100  # bytes; 107 on Linux and 103 on macOS


class FolderLock:
    """Holds `path` locked for the life of this process; the system lets go of it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """False when another process (or another object of this one) holds it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Lets go; the file stays, since removing it would race with the next holder."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a live process holds the FolderLock on `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str, *, uid: int | None = None, gid: int | None = None) -> None:
    """Writes `path` in one step, readable by its owner alone (mode 0600)."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if uid is not None and gid is not None:
            os.chown(part, uid, gid)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def stored_secrets(path: Path, names: Sequence[str]) -> dict[str, str]:
    """The random hexadecimal secrets kept in `path` (JSON, mode 0600), made on first use."""
    kept: dict[str, str] = {}
    if path.exists():
        try:
            kept = cast("dict[str, str]", json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise EmbeddedServiceError(f"{path} is damaged: restore it from a backup.") from error
    missing = [name for name in names if name not in kept]
    if missing:
        kept |= {name: secrets.token_hex(24) for name in missing}
        write_private(path, json.dumps(kept))
    return kept


def socket_folder(home: Path, kind: str, *, uid: int | None = None, gid: int | None = None) -> Path:
    """A folder for `home`'s Unix sockets: private (mode 0700), always the same one, its path short enough to bind.

    Raises:
        EmbeddedServiceError: every temporary folder has too long a path or a stranger's folder of this name.
    """
    owner = os.geteuid() if uid is None else uid
    candidates = [home / "run"] if uid is None else []
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    name = f"drippulse-{owner}-{kind}-{digest}"
    candidates += [Path(base) / name for base in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))]  # noqa: S108 - checked below
    for folder in candidates:
        if len(os.fsencode(folder)) <= SOCKET_PATH_LIMIT - 20 and _private(folder, owner, gid):
            return folder
    raise EmbeddedServiceError(
        f"No place for a Unix socket: {', '.join(map(str, candidates))} are too long or not ours; "
        "set TMPDIR to a short path."
    )


def _private(folder: Path, owner: int, gid: int | None) -> bool:
    """Makes `folder` when it is absent; False when it is not a folder of `owner` closed to everybody else."""
    try:
        folder.mkdir(mode=0o700)
        if owner != os.geteuid():
            os.chown(folder, owner, -1 if gid is None else gid)
    except FileExistsError:
        pass
    except OSError:
        return False
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner and not status.st_mode & 0o077
