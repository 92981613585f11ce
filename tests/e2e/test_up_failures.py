"""What `drippulse up` says and leaves behind when it cannot run: one sentence, an exit code, nothing half started."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

SECRET = "s3cret-in-a-url"


def run(cwd: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`drippulse ARGUMENTS` in `cwd`, without DRIPPULSE_* variables other than `env`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DRIPPULSE_")}
    command = [sys.executable, "-P", "-m", "drippulse_server", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**own, **(env or {})}, capture_output=True, text=True, timeout=60, check=False
    )


def refused(result: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    """One sentence on standard error with these parts, this exit code, and no stack trace or secret."""
    assert result.returncode == code, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert SECRET not in result.stderr
    for part in parts:
        assert part in result.stderr


def nothing_runs_in(folder: Path) -> bool:
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return not any(str(folder) in line for line in lines)


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(tmp_path, "up", "--port", str(port))
    refused(result, 3, f"Port {port} on 127.0.0.1 is taken", "--port")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_number_that_is_no_port(tmp_path: Path, port: str) -> None:
    refused(run(tmp_path, "up", "--port", port), 3, port, "1 to 65535")


def test_a_host_that_is_not_ours(tmp_path: Path) -> None:
    refused(run(tmp_path, "up", "--host", "203.0.113.9", "--port", "0"), 3, "203.0.113.9", "--host")


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    refused(run(tmp_path, "up", "--port", "0", "--data-dir", "data"), 4, "is a file", "--data-dir")
    assert (tmp_path / "data").read_text() == "mine"


def test_a_data_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    refused(run(tmp_path, "up", "--port", "0", "--data-dir", "data/deeper"), 4, "cannot be written", "Not a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_may_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    refused(run(tmp_path, "up", "--port", "0", "--data-dir", "data"), 4, "cannot be written", "Permission denied")


def test_a_data_folder_that_is_in_use(tmp_path: Path) -> None:
    holder = (
        "import sys, time; from pathlib import Path; from drippulse_server.embedded.files import FolderLock; "
        "lock = FolderLock(Path('data/up.lock')); assert lock.acquire(); print('held', flush=True); time.sleep(600)"
    )
    (tmp_path / "data").mkdir()
    with subprocess.Popen([sys.executable, "-c", holder], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        result = run(tmp_path, "up", "--port", "0", "--data-dir", "data")
        other.kill()
    refused(result, 4, "Another `drippulse up` runs on the data folder")
    assert nothing_runs_in(tmp_path)


@pytest.mark.parametrize("name", ["DRIPPULSE_DATABASE_URL", "DRIPPULSE_DATABASE_OWNER_URL"])
def test_an_unreachable_database(tmp_path: Path, name: str) -> None:
    result = run(tmp_path, "up", "--port", "0", env={name: f"postgresql://drip:{SECRET}@127.0.0.1:1/drip"})
    refused(result, 5, "PostgreSQL at postgresql://127.0.0.1:1/drip cannot be reached (connection refused)", name)
    assert list(tmp_path.iterdir()) == []


def test_a_database_url_that_is_none(tmp_path: Path) -> None:
    refused(run(tmp_path, "up", "--port", "0", env={"DRIPPULSE_DATABASE_URL": SECRET}), 5, "DRIPPULSE_DATABASE_URL")


def test_an_unreachable_redis(tmp_path: Path) -> None:
    result = run(tmp_path, "up", "--port", "0", env={"DRIPPULSE_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0"})
    refused(result, 6, "Redis at redis://127.0.0.1:1/0 cannot be reached (connection refused)", "DRIPPULSE_REDIS_URL")
    assert list(tmp_path.iterdir()) == []


def test_settings_that_are_not_valid_are_named(tmp_path: Path) -> None:
    refused(run(tmp_path, "up", env={"DRIPPULSE_LEASE_SECONDS": "soon"}), 2, "DRIPPULSE_LEASE_SECONDS")
    refused(run(tmp_path, "up", env={"DRIPPULSE_SECRET_KEY": "short"}), 2, "DRIPPULSE_SECRET_KEY")
    dangerous = {"DRIPPULSE_ENV": "production", "DRIPPULSE_EGRESS_ALLOW": "127.0.0.1:9"}
    refused(run(tmp_path, "up", env=dangerous), 2, "DRIPPULSE_EGRESS_ALLOW", "production")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ("migrate",),
        ("create-api-key", "--organization", "Acme"),
        ("create-admin", "--organization", "Acme", "--username", "ada", "--password", "correct horse"),
        ("web",),
        ("worker",),
        ("scheduler",),
        ("mailbox",),
    ],
)
def test_a_command_without_an_instance_says_how_to_get_one(tmp_path: Path, command: tuple[str, ...]) -> None:
    refused(run(tmp_path, *command), 1, "start `drippulse up`", "DRIPPULSE_DATABASE_URL")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("web", ("DRIPPULSE_REDIS_URL", "DRIPPULSE_SECRET_KEY")),
        ("worker", ("DRIPPULSE_REDIS_URL", "DRIPPULSE_SMTP_URL", "DRIPPULSE_SECRET_KEY")),
        ("scheduler", ("DRIPPULSE_REDIS_URL",)),
    ],
)
def test_a_process_does_not_start_without_the_settings_it_needs(
    tmp_path: Path, command: str, missing: tuple[str, ...]
) -> None:
    """A worker without a secret key would sign the links in mails with a key that everybody knows."""
    result = run(tmp_path, command, env={"DRIPPULSE_DATABASE_URL": "postgresql://127.0.0.1:1/x"})
    refused(result, 2, *missing)


def test_web_on_a_taken_port(tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": "postgresql://127.0.0.1:1/x",
        "REDIS_URL": "redis://127.0.0.1:1",
        "SECRET_KEY": "k" * 32,
    }
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(tmp_path, "web", "--port", str(port), env={f"DRIPPULSE_{n}": v for n, v in settings.items()})
    refused(result, 3, f"Port {port} on 127.0.0.1 is taken")


def test_what_a_killed_instance_wrote_down_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    folder = tmp_path / ".drippulse"
    folder.mkdir()
    (folder / "up.lock").touch()
    (folder / "runtime.env").write_text("DRIPPULSE_DATABASE_URL=postgresql://127.0.0.1:1/gone\n")
    refused(run(tmp_path, "migrate"), 1, "start `drippulse up`")


def test_the_doctor_fails_without_an_instance_and_says_what_to_do(tmp_path: Path) -> None:
    result = run(tmp_path, "doctor", env={"COLUMNS": "200"})
    assert result.returncode == 1
    assert "start `drippulse up`" in " ".join(result.stdout.split())
    assert "Traceback" not in result.stderr


def test_every_command_teaches_with_an_example(tmp_path: Path) -> None:
    listed = run(tmp_path, "--help")
    assert listed.returncode == 0
    for command in (
        "up",
        "web",
        "worker",
        "scheduler",
        "mailbox",
        "migrate",
        "doctor",
        "create-admin",
        "create-api-key",
    ):
        assert command in listed.stdout
        shown = run(tmp_path, command, "--help")
        assert shown.returncode == 0
        assert "Example:" in shown.stdout
        assert "--data-dir" in shown.stdout
