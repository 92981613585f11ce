"""The NAME=value files of a data folder."""

import stat
import subprocess
from pathlib import Path

import pytest

from drippulse_server.env_files import read_env_file, write_env_file

AWKWARD = {
    "DRIPPULSE_ADMIN_PASSWORD": 'it\'s "quoted" $HOME `id` # not a comment; \\ é',
    "DRIPPULSE_BASE_URL": "http://127.0.0.1:8000",
    "EMPTY": "",
}


def test_values_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "credentials.env"
    write_env_file(path, AWKWARD, "a comment with 'quotes'")
    assert read_env_file(path) == {**AWKWARD}


def test_a_shell_reads_the_same_values(tmp_path: Path) -> None:
    path = tmp_path / "credentials.env"
    write_env_file(path, AWKWARD, "comment")
    script = f'. "{path}"; printf %s "$DRIPPULSE_ADMIN_PASSWORD"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout == AWKWARD["DRIPPULSE_ADMIN_PASSWORD"]


def test_only_the_owner_may_read_the_file_even_when_it_was_open_before(tmp_path: Path) -> None:
    path = tmp_path / "secret.env"
    path.write_text("OLD=1\n")
    path.chmod(0o644)
    write_env_file(path, {"NEW": "2"}, "comment")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_env_file(path) == {"NEW": "2"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret.env"]


def test_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / "nothing.env") == {}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.env"
    path.write_text("no equals sign\n")
    with pytest.raises(ValueError, match=r"secret\.env"):
        read_env_file(path)
