"""`drippulse import-contacts` as a user runs it, against a web process of its own."""

import csv
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.support.messy_csv import messy_csv
from tests.support.organizations import TestOrganization
from tests.support.workflows import create_workflow

START_SECONDS = 30
COMMAND = (sys.executable, "-m", "drippulse_server")


@pytest.fixture(scope="module")
def base_url(settings: Settings) -> Generator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        **os.environ,
        "DRIPPULSE_ENV": "development",
        "DRIPPULSE_DATABASE_URL": settings.database_url,
        "DRIPPULSE_REDIS_URL": settings.redis_url,
        "DRIPPULSE_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    web = subprocess.Popen([*COMMAND, "web", "--port", str(port)], env=env)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        web.terminate()
        web.wait(15)


def _wait_for(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if httpx.get(f"{url}/api/v1/openapi.json", trust_env=False).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError("the web process did not start")


def _run(url: str, key: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DRIPPULSE_BASE_URL": url, "DRIPPULSE_API_KEY": key, "COLUMNS": "200"}
    command = [*COMMAND, "import-contacts", *map(str, arguments)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def key(organization: TestOrganization) -> str:
    return organization.keys[MemberRole.EDITOR]


async def test_a_messy_export_is_enrolled_and_its_problems_reported(
    base_url: str, key: str, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    messy, path, report = messy_csv(), tmp_path / "leads.csv", tmp_path / "problems.csv"
    path.write_bytes(messy.content)
    workflow = await create_workflow(client)
    done = _run(base_url, key, path, "--workflow", str(workflow["id"]), "--report", report)
    assert done.returncode == 0, done.stderr
    for figure in (messy.rows, messy.enrolled, messy.duplicates, messy.missing, messy.invalid):
        assert f"{figure:,}" in done.stdout
    listed = (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments?q=person.3@example.com")).json()
    assert listed["total"] == messy.enrolled
    assert listed["enrollments"][0]["contact"]["name"] == "Ayşe Müller"
    with report.open(encoding="utf-8-sig", newline="") as file:
        problems = list(csv.DictReader(file))
    assert len(problems) == messy.rows - messy.enrolled
    assert {row["enrolled"] for row in problems} == {"no"}
    assert all(not row["value"].startswith(("=", "@")) for row in problems)


async def test_a_dry_run_enrolls_nobody_and_needs_no_instance(client: httpx.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("email\na@example.com\n", encoding="utf-8")
    done = _run("http://127.0.0.1:1", "none", path, "--workflow", "1", "--dry-run")
    assert (done.returncode, "would be enrolled" in done.stdout) == (0, True)


async def test_nobody_enrolled_is_exit_code_1(
    base_url: str, key: str, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("email\nnobody\n", encoding="utf-8")
    workflow = await create_workflow(client)
    done = _run(base_url, key, path, "--workflow", str(workflow["id"]))
    assert (done.returncode, done.stderr.strip()) == (1, "Nobody was enrolled.")
    kept = _run(base_url, key, path, "--workflow", str(workflow["id"]), "--keep-invalid")
    assert kept.returncode == 0
    assert (await client.get(f"/api/v1/workflows/{workflow['id']}/enrollments")).json()["total"] == 1


async def test_every_refusal_is_one_sentence(
    base_url: str, key: str, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    good, headless = tmp_path / "good.csv", tmp_path / "headless.csv"
    good.write_text("email\na@example.com\n", encoding="utf-8")
    headless.write_text("name,plan\nAda,pro\n", encoding="utf-8")
    archived = await create_workflow(client, status="archived")
    number = str(archived["id"])
    cases = [
        ((base_url, key, good, "--workflow", "999999999"), "No workflow with this id"),
        ((base_url, key, good, "--workflow", number), "archived"),
        ((base_url, key, headless, "--workflow", number), "no column with e-mail addresses"),
        ((base_url, key, tmp_path / "absent.csv", "--workflow", number), "cannot be read"),
        ((base_url, "adcrm_live_wrong", good, "--workflow", number), "bearer token is not valid"),
        (("http://127.0.0.1:1", key, good, "--workflow", number), "Nothing answers at"),
        (("", "", good, "--workflow", number, "--data-dir", tmp_path), "There is no credentials.env"),
    ]
    for (url, token, *arguments), sentence in cases:
        done = _run(url, token, *arguments)
        assert done.returncode != 0, sentence
        assert sentence in done.stderr, (sentence, done.stderr)
        assert "Traceback" not in done.stderr
