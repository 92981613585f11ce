"""The embedded PostgreSQL and Redis as real processes: as root or not, from any folder, after every kind of end."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from drippulse_server.embedded.account import CAP_DAC_READ_SEARCH, Account
from drippulse_server.embedded.errors import EmbeddedServiceError
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

HOLDER = """
import sys, time
from pathlib import Path
from drippulse_server.embedded.postgres import EmbeddedPostgres
from drippulse_server.embedded.redis import EmbeddedRedis
folder = Path(sys.argv[1])
postgres, redis = EmbeddedPostgres(folder), EmbeddedRedis(folder)
postgres.start(), redis.start()
print(postgres.pid, redis.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture(scope="module")
def postgres(folder: Path) -> Generator[EmbeddedPostgres]:
    running = EmbeddedPostgres(folder)
    running.start()
    yield running
    running.stop()


async def scalar(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for_end(pid: int, seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not ended(pid):
        assert time.monotonic() < deadline, f"process {pid} does not end"
        time.sleep(0.02)


def eventually(holds: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


async def test_it_is_postgresql_18_in_utf8_and_utc_and_it_does_not_lie_about_writes(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.owner_url)
    try:
        assert connection.get_server_version().major == 18
        shown = {
            name: await connection.fetchval(f"SHOW {name}") for name in ("server_encoding", "timezone", "fsync", "jit")
        }
        assert shown == {"server_encoding": "UTF8", "timezone": "UTC", "fsync": "on", "jit": "off"}
        assert await connection.fetchval("SELECT upper('zoë') = 'ZOË'")
    finally:
        await connection.close()


async def test_the_roles_have_exactly_the_rights_they_need(postgres: EmbeddedPostgres) -> None:
    sql = """SELECT rolname::text, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolinherit FROM pg_roles
             WHERE rolname LIKE 'drippulse%' ORDER BY 1"""
    connection = await asyncpg.connect(postgres.database_url)
    try:
        assert [tuple(row) for row in await connection.fetch(sql)] == [
            ("drippulse_login", False, False, False, False, False),
            ("drippulse_owner", False, True, False, False, True),
        ]
        assert (
            await connection.fetchval("SELECT current_user || '@' || current_database()") == "drippulse_login@drippulse"
        )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE mine (id int)")
    finally:
        await connection.close()
    assert await scalar(postgres.owner_url, "SELECT current_user::text") == "drippulse_owner"


async def test_nobody_gets_in_without_the_password(postgres: EmbeddedPostgres) -> None:
    user, _, rest = postgres.superuser_url.partition("@")
    wrong = f"{user.rpartition(':')[0]}:0123456789abcdef@{rest}"
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


async def test_it_listens_on_no_network_address(postgres: EmbeddedPostgres) -> None:
    assert await scalar(postgres.superuser_url, "SHOW listen_addresses") == ""


def test_secrets_and_sockets_are_closed_to_others(postgres: EmbeddedPostgres, folder: Path) -> None:
    assert stat.S_IMODE((folder / "postgres" / "passwords.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "postgres" / "postgres.log").stat().st_mode) == 0o600
    sockets = Path(postgres.superuser_url.partition("host=")[2].partition("&")[0])
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not list((folder / "postgres").glob("initial-password"))


async def test_data_and_urls_survive_a_restart_which_takes_seconds_at_most(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    began = time.monotonic()
    postgres.start()
    assert time.monotonic() - began < 15
    url = postgres.owner_url
    await scalar(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    began = time.monotonic()
    postgres.stop()
    assert time.monotonic() - began < 5
    assert not os.path.exists(url.partition("host=")[2].partition("&")[0])  # noqa: ASYNC240, PTH110 - no server is left to wait for
    again = EmbeddedPostgres(tmp_path)
    again.start()
    assert again.owner_url == url
    assert await scalar(url, "SELECT answer FROM kept") == 42
    again.stop()
    assert "database system was not properly shut down" not in again.log.read_text()


async def test_a_clean_stop_ends_open_connections(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    connection = await asyncpg.connect(postgres.database_url)
    began = time.monotonic()
    postgres.stop()
    assert time.monotonic() - began < 5
    connection.terminate()


async def test_it_recovers_what_was_committed_before_a_crash(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    await scalar(postgres.owner_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    crashed = postgres.pid
    assert crashed is not None
    os.kill(crashed, signal.SIGKILL)
    wait_for_end(crashed)
    assert not postgres.running()
    assert (tmp_path / "postgres" / "cluster" / "postmaster.pid").exists()
    postgres.start()
    assert await scalar(postgres.owner_url, "SELECT answer FROM kept") == 42
    postgres.stop()


def test_a_pid_file_whose_number_went_to_another_program_is_no_obstacle(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    pid_file = tmp_path / "postgres" / "cluster" / "postmaster.pid"
    left = pid_file.read_text().splitlines()
    postgres.stop()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as bystander:
        pid_file.write_text("\n".join([str(bystander.pid), *left[1:], ""]))
        postgres.start()
        assert bystander.poll() is None
        postgres.stop()
        bystander.kill()


def test_two_instances_run_side_by_side(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    other = EmbeddedPostgres(tmp_path)
    other.start()
    assert other.database_url != postgres.database_url
    assert postgres.running()
    other.stop()
    assert postgres.running()


def test_one_folder_has_one_server(postgres: EmbeddedPostgres, folder: Path) -> None:
    with pytest.raises(EmbeddedServiceError, match="Another process runs the PostgreSQL"):
        EmbeddedPostgres(folder).start()
    assert postgres.running()


async def test_long_paths_blanks_quotes_and_accents_are_fine(tmp_path: Path) -> None:
    deep = tmp_path / ("deep " * 20) / 'it\'s "quoted", é %20' / ("x" * 100)
    deep.mkdir(parents=True)
    postgres, keyval = EmbeddedPostgres(deep), EmbeddedRedis(deep)
    postgres.start()
    keyval.start()
    assert await scalar(postgres.database_url, "SELECT 1") == 1
    with redis.Redis.from_url(keyval.url) as client:  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        assert client.ping()  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
    keyval.stop()
    postgres.stop()


async def test_variables_of_other_postgresqls_do_not_disturb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("PGPORT", "1"),
        ("PGHOST", "nowhere.invalid"),
        ("PGDATA", "/nonexistent"),
        ("LC_ALL", "xx_XX"),
    ):
        monkeypatch.setenv(name, value)
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    assert await scalar(postgres.database_url, "SELECT 1") == 1
    postgres.stop()


def test_both_end_when_their_parent_is_killed_and_start_again(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(part) for part in parent.stdout.readline().split()]
        parent.kill()
    for pid in pids:
        wait_for_end(pid)
    postgres, keyval = EmbeddedPostgres(tmp_path), EmbeddedRedis(tmp_path)
    postgres.start()
    keyval.start()
    keyval.stop()
    postgres.stop()


def test_orphans_that_outlived_parent_and_guard_are_ended_by_the_next_start(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(part) for part in parent.stdout.readline().split()]
        (guard,) = [child for child in psutil.Process(parent.pid).children() if "guard.py" in " ".join(child.cmdline())]
        guard.kill()
        parent.kill()
    assert not any(ended(pid) for pid in pids)
    postgres, keyval = EmbeddedPostgres(tmp_path), EmbeddedRedis(tmp_path)
    postgres.start()
    keyval.start()
    for pid in pids:
        wait_for_end(pid)
    keyval.stop()
    postgres.stop()


def test_another_major_version_is_told_in_a_sentence(tmp_path: Path) -> None:
    cluster = tmp_path / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedServiceError, match="was written by PostgreSQL 16, this is 18"):
        EmbeddedPostgres(tmp_path).start()


def test_a_damaged_cluster_is_told_with_the_reason_and_the_log(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    postgres.stop()
    (tmp_path / "postgres" / "cluster" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedServiceError, match=r"did not start: .*pg_control.*postgres\.log"):
        postgres.start()
    assert not postgres.running()


def test_an_interrupted_first_start_leaves_nothing_half_made(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()
    postgres.stop()
    assert not half.exists()


@as_root
def test_as_root_the_server_is_somebody_else_and_closed_folders_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "data")
    postgres.start()
    assert postgres.pid is not None
    server = psutil.Process(postgres.pid)
    assert server.uids().effective != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    status = Path(f"/proc/{postgres.pid}/status").read_text()
    effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    assert effective in (1 << 2, 1 << 1), "it keeps the one capability to enter folders, and no other"
    postgres.stop()


@as_root
def test_as_root_programs_in_closed_folders_are_found(tmp_path: Path) -> None:
    """A clone below a folder of mode 0700: PostgreSQL looks there with access(2), which forgets capabilities."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.touch(mode=0o755)
    nobody = pwd.getpwnam("nobody")
    account = Account(nobody.pw_uid, nobody.pw_gid, CAP_DAC_READ_SEARCH)
    look = "import os, sys; sys.exit(not os.access(sys.argv[1], os.R_OK | os.X_OK))"
    assert (
        subprocess.run(account.command([sys.executable, "-I", "-S", "-c", look, str(program)]), check=False).returncode
        == 0
    )


@as_root
def test_an_ordinary_user_runs_both() -> None:
    nobody = pwd.getpwnam("nobody")
    # The interpreter may lie in a closed folder of root: the right to enter it is all this user gets beyond its own.
    user = Account(nobody.pw_uid, nobody.pw_gid, CAP_DAC_READ_SEARCH)
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    command = user.command([sys.executable, "-c", HOLDER, str(folder)])
    environment = {"PATH": os.environ["PATH"]}
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/", env=environment) as parent:
            assert parent.stdout is not None
            pids = [int(part) for part in parent.stdout.readline().split()]
            assert {psutil.Process(pid).uids().effective for pid in pids} == {nobody.pw_uid}
            parent.kill()
        for pid in pids:
            wait_for_end(pid)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def keyval(folder: Path) -> Generator[EmbeddedRedis]:
    running = EmbeddedRedis(folder)
    running.start()
    yield running
    running.stop()


def test_redis_answers_with_its_password_alone_and_keeps_nothing_on_disk(keyval: EmbeddedRedis, folder: Path) -> None:
    with redis.Redis.from_url(keyval.url, decode_responses=True) as client:  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        assert client.config_get("save") == {"save": ""}  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        assert client.config_get("appendonly") == {"appendonly": "no"}  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        assert client.config_get("port") == {"port": "0"}  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
    open_url = "unix://" + keyval.url.partition("@")[2]
    with (
        redis.Redis.from_url(open_url) as stranger,  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
    assert not list((folder / "redis").glob("*.rdb"))


def test_the_password_is_in_no_process_list(keyval: EmbeddedRedis) -> None:
    assert keyval.pid is not None
    password = keyval.url.partition("://:")[2].partition("@")[0]
    assert len(password) >= 32
    assert password not in " ".join(psutil.Process(keyval.pid).cmdline())


def test_redis_starts_again_after_a_crash_at_the_same_url(tmp_path: Path) -> None:
    keyval = EmbeddedRedis(tmp_path)
    keyval.start()
    url, crashed = keyval.url, keyval.pid
    assert crashed is not None
    os.kill(crashed, signal.SIGKILL)
    wait_for_end(crashed)
    assert eventually(lambda: not keyval.running())
    keyval.start()
    assert keyval.url == url
    assert keyval.pid != crashed
    keyval.stop()
    assert not keyval.running()


def test_nothing_has_a_url_before_its_first_start(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServiceError):
        _ = EmbeddedPostgres(tmp_path).database_url
    with pytest.raises(EmbeddedServiceError):
        _ = EmbeddedRedis(tmp_path).url
