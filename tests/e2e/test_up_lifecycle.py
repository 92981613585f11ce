"""`drippulse up` as a process: ready, told, crashed into, stopped, started again, killed."""

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from drippulse_server.env_files import read_env_file

READY_SECONDS = 60  # 15 are promised on an idle machine; the suite runs two workers on it
MEMORY_LIMIT = 600 * 1024 * 1024


def environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DRIPPULSE_")}
    return {**own, "COLUMNS": "200"}


@dataclass
class Instance:
    """A running `drippulse up` on `cwd/.drippulse`; its output goes to a file."""

    cwd: Path
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        command = [sys.executable, "-P", "-m", "drippulse_server", "up", "--port", str(self.port)]
        with (self.cwd / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.cwd, env=environment(), stdout=output, stderr=output, start_new_session=True
            )

    @property
    def data(self) -> Path:
        return self.cwd / ".drippulse"

    @property
    def output(self) -> str:
        return (self.cwd / "output").read_text()

    def wait_until_told(self, times: int = 1) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while self.output.count("DripPulse is running") < times:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def credentials(self) -> dict[str, str]:
        return read_env_file(self.data / "credentials.env")

    def family(self) -> list[psutil.Process]:
        """Every process of the instance, itself included."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not [process for process in processes if _runs(process)]:
            return True
        time.sleep(0.05)
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ended(running: Instance) -> None:
    """Stops what still runs of an instance."""
    if running.process.poll() is None:
        family = running.family()
        assert running.stop(signal.SIGTERM) == 0
        assert all_gone(family, 20)


@pytest.fixture
def instance(tmp_path: Path) -> Generator[Instance]:
    """One for a test that stops or kills it."""
    running = Instance(tmp_path)
    yield running
    ended(running)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Generator[Instance]:
    """One that stays up, since a start takes seconds."""
    running = Instance(tmp_path_factory.mktemp("shared"))
    running.wait_until_told()
    yield running
    ended(running)


def command(instance: Instance, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another command beside the running instance."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "drippulse_server", *arguments],
        cwd=instance.cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_start_tells_everything_and_keeps_it_private(shared: Instance) -> None:
    first = shared.credentials()
    assert set(first) == {
        "DRIPPULSE_BASE_URL",
        "DRIPPULSE_API_KEY",
        "DRIPPULSE_ADMIN_USERNAME",
        "DRIPPULSE_ADMIN_PASSWORD",
    }
    assert all(value in shared.output for value in first.values())
    for name in ("credentials.env", "secret.env", "runtime.env"):
        assert stat.S_IMODE((shared.data / name).stat().st_mode) == 0o600
    base = first["DRIPPULSE_BASE_URL"]
    for path in ("/health", "/dev/mailbox"):
        assert httpx.get(f"{base}{path}", trust_env=False).status_code == 200


def test_all_of_it_fits_into_the_promised_memory(shared: Instance) -> None:
    # proportional: PostgreSQL's processes share their buffers, and the Python ones their interpreter
    total = sum(process.memory_full_info().pss for process in shared.family())
    assert total < MEMORY_LIMIT, f"{total / 2**20:.0f} MiB"


def test_commands_beside_it_find_it(shared: Instance) -> None:
    diagnosis = command(shared, "doctor")
    assert diagnosis.returncode == 0, diagnosis.stdout
    made = command(shared, "create-admin", "--organization", "Acme", "--username", "ada", "--password", "correct horse")
    assert made.returncode == 0, made.stderr
    key = command(shared, "create-api-key", "--organization", "Acme", "--role", "Viewer")
    assert re.fullmatch(r"adcrm_live_\S+\n", key.stdout), key.stderr
    unknown = command(shared, "create-api-key", "--organization", "Nobody", "--role", "Viewer")
    assert unknown.returncode == 1
    assert "Traceback" not in unknown.stderr
    assert command(shared, "migrate").returncode == 0


def test_a_second_one_on_its_folder_is_refused_and_one_beside_it_is_not(shared: Instance, instance: Instance) -> None:
    second = command(shared, "up", "--port", "0")
    assert second.returncode == 4
    assert "Another `drippulse up` runs" in second.stderr
    instance.wait_until_told()
    assert shared.credentials()["DRIPPULSE_API_KEY"] != instance.credentials()["DRIPPULSE_API_KEY"]


def test_whatever_is_killed_comes_back(shared: Instance) -> None:
    base = shared.credentials()["DRIPPULSE_BASE_URL"]
    children = psutil.Process(shared.process.pid).children()
    victims = [child for child in children if "guard.py" not in " ".join(child.cmdline())]
    assert len(victims) >= 6, "PostgreSQL, Redis, mailbox, web, worker and scheduler"
    for victim in victims:
        victim.kill()
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{base}/health", trust_env=False, timeout=10).status_code == 200:
                break
        assert time.monotonic() < deadline, shared.output[-4000:]
        time.sleep(0.1)


def test_data_survives_a_stop_and_nothing_survives_a_kill(instance: Instance, tmp_path: Path) -> None:
    instance.wait_until_told()
    first, told, family = instance.credentials(), len(instance.output), instance.family()
    assert instance.stop(signal.SIGINT) == 0
    assert all_gone(family, 5)
    assert not (instance.data / "runtime.env").exists()

    again = Instance(tmp_path)
    again.wait_until_told(2)
    base = again.credentials()["DRIPPULSE_BASE_URL"]
    assert again.credentials() == {**first, "DRIPPULSE_BASE_URL": base}
    assert base in again.output[told:]
    assert first["DRIPPULSE_API_KEY"] not in again.output[told:]
    login = {"username": first["DRIPPULSE_ADMIN_USERNAME"], "password": first["DRIPPULSE_ADMIN_PASSWORD"]}
    assert httpx.post(f"{base}/api/v1/admin/login", json=login, trust_env=False).status_code == 200

    family = again.family()
    again.process.kill()
    again.process.wait()
    assert all_gone(family, 20), [process.cmdline() for process in family if _runs(process)]


def test_ctrl_c_while_it_starts_leaves_nothing(instance: Instance) -> None:
    deadline = time.monotonic() + 30
    while not (instance.data / "postgres" / "lock").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    family = instance.family()
    assert instance.stop(signal.SIGINT) == 0
    assert all_gone(family, 5)
