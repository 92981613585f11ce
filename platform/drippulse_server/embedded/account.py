"""Which account an embedded server runs as: ours, or as root an unprivileged one that can still reach its files."""

import os
import pwd
import stat
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from drippulse_server.embedded import unprivileged
from drippulse_server.embedded.errors import EmbeddedServiceError

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CANDIDATES = ("postgres", "pgserver", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An account to run a program as; `capability` is what it keeps of root's rights (-1: none)."""

    uid: int
    gid: int
    capability: int = -1

    def command(self, argv: Sequence[str]) -> list[str]:
        """`argv` as this account."""
        launcher = [sys.executable, "-I", "-S", str(Path(unprivileged.__file__).resolve())]
        return [*launcher, str(self.uid), str(self.gid), str(self.capability), *argv]


def unprivileged_account(owned: Path, programs: Path) -> Account | None:
    """The account for a server that refuses root, None when we are not root.

    Args:
        owned: the server's folder; whoever owns it on a later start stays its account.
        programs: a folder with the programs it runs.

    Raises:
        EmbeddedServiceError: no account is there, or it cannot reach a folder; the message says how to mend it.
    """
    if os.geteuid() != 0:
        return None
    entry = _entry(owned)
    needs = max(_need(owned.parent, entry, ()), _need(programs, entry, programs.iterdir()))
    if needs == 0:
        return Account(entry.pw_uid, entry.pw_gid)
    held = _capabilities()
    wanted = (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if needs == 1 else (CAP_DAC_OVERRIDE,)
    for capability in wanted:
        if held >> capability & 1:
            return Account(entry.pw_uid, entry.pw_gid, capability)
    raise EmbeddedServiceError(
        f"PostgreSQL refuses to run as root, and the account {entry.pw_name} it uses instead cannot enter "
        f"{owned.parent} or {programs}: open these folders to it (chmod o+x), or run as an ordinary user."
    )


def _entry(owned: Path) -> pwd.struct_passwd:
    if owned.exists() and (uid := owned.stat().st_uid) != 0:
        try:
            return pwd.getpwuid(uid)
        except KeyError:
            raise EmbeddedServiceError(
                f"{owned} belongs to user number {uid}, which this machine does not know: give it to one with chown -R."
            ) from None
    for name in CANDIDATES:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedServiceError(
        f"PostgreSQL refuses to run as root and none of the accounts {', '.join(CANDIDATES)} exists: "
        "add one (useradd --system postgres), or run as an ordinary user."
    )


def _need(folder: Path, entry: pwd.struct_passwd, files: Iterable[Path]) -> int:
    """0: reachable by permissions alone, 1: a closed folder is in the way, 2: a program may not be executed."""
    resolved = folder.resolve()
    if not all(_may_execute(file.resolve(), entry) for file in files):
        return 2
    return 0 if all(_may_execute(part, entry) for part in (resolved, *resolved.parents)) else 1


def _may_execute(path: Path, entry: pwd.struct_passwd) -> bool:
    status = path.stat()
    if status.st_uid == entry.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == entry.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _capabilities() -> int:
    """The mask of capabilities this process may use; 0 where the system has none (macOS)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)
