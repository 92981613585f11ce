"""A tiny process that ends our children when we are gone, even after kill -9; run as `python -I -S guard.py`.

It holds the reading end of a pipe. The system closes the writing end when the process that owns the children dies in
whatever way, and then the guard signals each registered process group, and kills what is left after a grace. This needs
nothing but POSIX, so it is the same on Linux and macOS. The standard library alone: it must stay small in memory.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import IO

GRACE_SECONDS = 10.0


class ProcessGuard:
    """Registers process groups that must not outlive this process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[int, int] = {}
        self._process: subprocess.Popen[str] | None = None

    def add(self, group: int, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """End the process group `group` with `stop_signal` when this process dies."""
        with self._lock:
            self._groups[group] = stop_signal
            self._tell(f"add {group} {int(stop_signal)}\n")

    def remove(self, group: int) -> None:
        """Forget a group that has ended; its number may be given to somebody else."""
        with self._lock:
            if self._groups.pop(group, None) is not None:
                self._tell(f"del {group} 0\n")

    def close(self) -> None:
        """Ends the guard, and with it every group still registered."""
        with self._lock:
            process, self._process = self._process, None
            self._groups.clear()
        if process is not None:
            _end(process)

    def _tell(self, line: str) -> None:
        if self._process is not None:
            try:
                _write(self._process, line)
            except BrokenPipeError:  # somebody killed the guard
                _end(self._process)
            else:
                return
        self._process = _spawn()
        weakref.finalize(self, _end, self._process)  # a guard that nobody holds any more ends like a closed one
        for group, stop_signal in self._groups.items():
            _write(self._process, f"add {group} {stop_signal}\n")


def _spawn() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own file, run by our own interpreter
        [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        start_new_session=True,
    )


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(BrokenPipeError):
        _stdin(process).close()
    process.wait()


def _stdin(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdin is None:
        raise RuntimeError("the guard was started without a pipe")
    return process.stdin


def _write(process: subprocess.Popen[str], line: str) -> None:
    pipe = _stdin(process)
    pipe.write(line)
    pipe.flush()


def _signal_group(group: int, number: int) -> bool:
    """True when the group still exists."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS answers this for a group of zombies
        return False
    return True


def watch(commands: IO[str], grace_seconds: float = GRACE_SECONDS) -> None:
    """Follows `add GROUP SIGNAL` and `del GROUP 0` lines to the end of the pipe, then ends the groups that are left."""
    groups: dict[int, int] = {}
    for line in commands:
        verb, group, number = line.split()
        if verb == "add":
            groups[int(group)] = int(number)
        else:
            groups.pop(int(group), None)
    alive = {group for group, number in groups.items() if _signal_group(group, number)}
    deadline = time.monotonic() + grace_seconds
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = {group for group in alive if _signal_group(group, 0)}
    for group in alive:
        _signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watch(sys.stdin)
