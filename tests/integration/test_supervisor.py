"""The supervisor with real processes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import psutil
import pytest

from drippulse_server.guard import ProcessGuard
from drippulse_server.supervisor import Backoff, ChildSpec, Supervisor

FAST = Backoff(first=0.05, longest=0.1, stable=30)
ENV = {"PATH": os.defpath}
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


def child(name: str, code: str, grace_seconds: float = 5.0) -> ChildSpec:
    return ChildSpec(name, (sys.executable, "-u", "-I", "-S", "-c", code), ENV, grace_seconds)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
async def supervisor(lines: list[str]) -> AsyncGenerator[Supervisor]:
    guard = ProcessGuard()
    running = Supervisor(lines.extend, guard, FAST)
    yield running
    await running.stop()
    guard.close()


async def test_output_of_both_streams_comes_line_by_line_with_the_name(
    supervisor: Supervisor, lines: list[str]
) -> None:
    code = "import sys, time; print('one'); print('two', file=sys.stderr); sys.stdout.write('thr'); time.sleep(600)"
    await supervisor.start(child("web", code))
    await until(lambda: len(lines) == 2)
    assert lines == ["web       | one", "web       | two"]
    assert supervisor.recent_lines("web") == ["one", "two"]


async def test_a_line_without_end_does_not_fill_the_memory(supervisor: Supervisor, lines: list[str]) -> None:
    await supervisor.start(
        child("web", "import sys, time; sys.stdout.write('x' * 300_000); sys.stdout.flush(); time.sleep(600)")
    )
    await until(lambda: sum(line.count("x") for line in lines) >= 196_608)
    assert max(map(len, lines)) < 140_000


async def test_a_crashed_child_starts_again(supervisor: Supervisor, lines: list[str]) -> None:
    await supervisor.start(child("worker", "print('alive'); raise SystemExit(3)"))
    await until(lambda: supervisor.restarts("worker") >= 3)
    assert any("exit code 3" in line and "starting again in 0.05 s" in line for line in lines)
    assert any("starting again in 0.1 s" in line for line in lines)
    assert lines.count("worker    | alive") >= 3


async def test_a_killed_child_starts_again_and_the_others_stay(supervisor: Supervisor, lines: list[str]) -> None:
    await supervisor.start(child("web", "import time; time.sleep(600)"))
    await supervisor.start(child("worker", "import time; time.sleep(600)"))
    web, worker = supervisor.pid("web"), supervisor.pid("worker")
    assert web is not None
    os.kill(web, signal.SIGKILL)
    await until(lambda: supervisor.restarts("web") == 1)
    assert supervisor.pid("web") not in (None, web)
    assert supervisor.pid("worker") == worker
    assert any("killed by SIGKILL" in line for line in lines)


async def test_what_a_crashed_child_leaves_in_its_group_ends_with_it(supervisor: Supervisor, lines: list[str]) -> None:
    code = """
import os, subprocess, sys
grandchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print(grandchild.pid, flush=True)
os._exit(1)
"""
    await supervisor.start(child("web", code))
    await until(lambda: bool(lines))
    grandchild = int(lines[0].split("|")[1])
    await until(lambda: gone(grandchild))


async def test_children_stop_in_reverse_order(supervisor: Supervisor, lines: list[str]) -> None:
    code = """
import signal, sys, time
def stop(*_):
    print('stopped', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print('up', flush=True)
time.sleep(600)
"""
    for name in ("first", "second", "third"):
        await supervisor.start(child(name, code))
    await until(lambda: len(lines) == 3)
    await supervisor.stop()
    assert lines[3:] == ["third     | stopped", "second    | stopped", "first     | stopped"]


async def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(supervisor: Supervisor, lines: list[str]) -> None:
    await supervisor.start(child("web", STUBBORN, grace_seconds=0.3))
    await until(lambda: bool(lines))
    pid = supervisor.pid("web")
    assert pid is not None
    began = time.monotonic()
    await supervisor.stop()
    assert 0.25 < time.monotonic() - began < 3
    assert gone(pid)


async def test_stopping_between_a_crash_and_the_restart_starts_nothing(lines: list[str]) -> None:
    guard = ProcessGuard()
    running = Supervisor(lines.extend, guard, Backoff(first=600, longest=600))
    await running.start(child("web", "raise SystemExit(1)"))
    await until(lambda: any("starting again" in line for line in lines))
    await asyncio.wait_for(running.stop(), 3)
    guard.close()


async def test_a_program_that_cannot_run_is_refused_at_once(supervisor: Supervisor) -> None:
    with pytest.raises(FileNotFoundError):
        await supervisor.start(ChildSpec("web", ("/no/such/program",), ENV))


PARENT = """
import os, subprocess, sys, time
from drippulse_server.guard import ProcessGuard
guard = ProcessGuard()
code = sys.argv[1]
children = [subprocess.Popen([sys.executable, '-c', code], start_new_session=True) for _ in range(3)]
for process in children:
    guard.add(process.pid)
guard.remove(children[2].pid)
print(*(process.pid for process in children), flush=True)
time.sleep(600)
"""


def test_children_end_when_their_parent_is_killed() -> None:
    sleeper = "import time; time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", PARENT, sleeper], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        first, second, removed = map(int, parent.stdout.readline().split())
        parent.kill()
    try:
        deadline = time.monotonic() + 5
        while not (gone(first) and gone(second)):
            assert time.monotonic() < deadline, "the children outlive their parent"
            time.sleep(0.02)
        assert not gone(removed), "a group that was taken off the list must be left alone"
    finally:
        for pid in (first, second, removed):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_the_guard_kills_what_ignores_its_signal(tmp_path: Path) -> None:
    script = (
        "import os, sys; from drippulse_server import guard; "
        "r, w = os.pipe(); os.write(w, f'add {sys.argv[1]} 15\\n'.encode()); os.close(w); "
        "guard.watch(os.fdopen(r), 0.3)"
    )
    ready = tmp_path / "ready"
    code = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(ready)!r}, 'w'); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as stubborn:
        while not ready.exists():
            time.sleep(0.02)
        subprocess.run([sys.executable, "-c", script, str(stubborn.pid)], check=True, timeout=20)
        assert stubborn.wait(2) == -signal.SIGKILL


def test_a_killed_guard_is_replaced_and_still_knows_every_group() -> None:
    guard = ProcessGuard()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True) as sleeper:
        guard.add(sleeper.pid)
        (watcher,) = [
            process for process in psutil.Process().children() if any("guard.py" in part for part in process.cmdline())
        ][-1:]
        watcher.kill()
        watcher.wait(5)
        guard.add(2**22 + 1)  # beyond every process number; it only makes the guard notice
        closing = threading.Thread(target=guard.close)  # it waits for the group to be gone, which takes our wait()
        closing.start()
        assert sleeper.wait(5) == -signal.SIGTERM
        closing.join(5)
