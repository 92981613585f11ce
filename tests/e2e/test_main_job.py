"""The main job as a user does it: `drippulse up`, a messy CSV, and mail that arrives step by step."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.support.messy_csv import messy_csv
from tests.support.stack import Stack, running_stack

STEPS = [
    {"id": "start", "type": "trigger", "name": "Start"},
    {"id": "hello", "type": "email", "name": "Hello", "config": {"subject": "Hello {{ first_name }}", "body": "First"}},
    {"id": "pause", "type": "wait", "name": "Pause", "config": {"duration": 2, "unit": "seconds"}},
    {
        "id": "again",
        "type": "email",
        "name": "Again",
        "config": {"subject": "Again", "html": "<p>{{ first_name }}</p>"},
    },
]


async def make_workflow(client: httpx.AsyncClient) -> int:
    answer = await client.post("/api/v1/workflows", json={"name": "Drip", "status": "active", "steps": STEPS})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def totals(client: httpx.AsyncClient, workflow: int) -> dict[str, int]:
    answer = await client.get(f"/api/v1/workflows/{workflow}/enrollments", params={"per_page": 1})
    return answer.json()["step_funnel"]["totals"]


async def wait_for(client: httpx.AsyncClient, workflow: int, completed: int) -> None:
    end = time.monotonic() + 60
    while (now := await totals(client, workflow))["completed"] < completed:
        assert time.monotonic() < end, now
        await asyncio.sleep(0.5)


async def import_contacts(stack: Stack, file: Path, workflow: int) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "drippulse_server", "import-contacts", str(file), "--workflow", str(workflow)),
        *("--data-dir", str(stack.data_dir)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def mailbox(client: httpx.AsyncClient, **filters: Any) -> dict[str, Any]:
    return (await client.get("/dev/mailbox.json", params=filters)).json()


async def test_people_from_a_messy_csv_get_every_mail_once_and_the_data_survives_a_restart(tmp_path: Path) -> None:
    sample = messy_csv()
    file = tmp_path / "people.csv"
    file.write_bytes(sample.content)
    async with running_stack(tmp_path / "data") as stack, stack.client() as client:
        workflow = await make_workflow(client)
        await import_contacts(stack, file, workflow)
        await wait_for(client, workflow, sample.enrolled)
        assert (await totals(client, workflow))["total_enrollments"] == sample.enrolled
        assert (await mailbox(client, limit=1))["total_count"] == 2 * sample.enrolled
        assert (await mailbox(client, subject="Again", limit=1))["total_count"] == sample.enrolled
    async with running_stack(tmp_path / "data") as stack, stack.client() as client:
        assert (await totals(client, workflow))["completed"] == sample.enrolled
        assert (await mailbox(client, limit=1))["total_count"] == 2 * sample.enrolled


async def test_two_instances_run_side_by_side(tmp_path: Path) -> None:
    async with running_stack(tmp_path / "one") as one, running_stack(tmp_path / "two") as two:
        assert one.port != two.port
        async with one.client() as client:
            assert (await client.get(f"{two.url}/api/v1/workflows")).status_code == 401
            assert (await client.get("/api/v1/workflows")).json() == {"workflows": [], "total_count": 0}
