"""Starting, watching and stopping the processes of the embedded services."""

import atexit
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from drippulse_server.guard import ProcessGuard

LOG_LIMIT = 10 * 1024 * 1024
POLL_SECONDS = 0.02


@lru_cache
def process_guard() -> ProcessGuard:
    """The one guard of this process; an orderly exit closes it."""
    guard = ProcessGuard()
    atexit.register(guard.close)
    return guard


class ServerProcess:
    """One server program in a process group of its own, its output appended to a log file (kept below 2 x 10 MB)."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], log: Path, stop_signal: signal.Signals) -> None:
        self._argv = list(argv)
        self._env = dict(env)
        self._log = log
        self._stop_signal = stop_signal
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, stdin: bytes = b"") -> None:
        """Starts the program and hands it `stdin`."""
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".old.log"))
        with os.fdopen(os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(  # noqa: S603 - the programs and arguments are our own
                self._argv,
                env=self._env,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process_guard().add(self._process.pid, self._stop_signal)
        if self._process.stdin is not None:
            self._process.stdin.write(stdin)
            self._process.stdin.close()

    def output(self) -> str:
        """What it has written since its last start."""
        with self._log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> bool:
        """True as soon as `ready()`; False when the program has ended or `timeout` seconds are over."""
        deadline = time.monotonic() + timeout
        while self.running() and time.monotonic() < deadline:
            if ready():
                return True
            time.sleep(POLL_SECONDS)
        return False

    def wait_while_it_speaks(self, ready: Callable[[], bool], silence: float) -> bool:
        """As `wait_until`, for as long as it writes something every `silence` seconds or so."""
        said = -1
        while not self.wait_until(ready, silence):
            if not self.running() or len(self.output()) == said:
                return False
            said = len(self.output())
        return True

    def stop(self, escalation: Sequence[tuple[signal.Signals, float]]) -> None:
        """Sends each signal and waits its seconds until the program has ended; SIGKILL to the group at last."""
        process, self._process = self._process, None
        if process is None:
            return
        for number, seconds in escalation:
            if process.poll() is not None:
                break
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        if process.poll() is None:
            process.kill()
        process.wait()
        process_guard().remove(process.pid)


def stop_foreign(pid: int, escalation: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Ends a process that is not our child, by its pid; True when it is gone."""
    for number, seconds in escalation:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return True
            time.sleep(POLL_SECONDS)
    return not is_alive(pid)


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie that nobody has reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return not Path("/proc/self/stat").exists()


def command_line(pid: int) -> list[str]:
    """The arguments of a running process, as far as the system tells us (macOS: split at blanks); else empty."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        pass
    try:
        found = subprocess.run(  # noqa: S603 - fixed arguments
            ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
    except OSError:
        return []
    return found.stdout.split()
