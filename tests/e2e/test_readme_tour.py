"""The README's tour, word for word, against a fresh instance."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from tests.support.stack import running_stack

ROOT = Path(__file__).parents[2]
TOUR = re.compile(r"```bash tour\n(.*?)```", re.DOTALL)
MARK = "--- next block ---"


async def run(script: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash", "-eu", "-c", script, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, output.decode()
    return output.decode()


def objects(text: str) -> list[dict[str, Any]]:
    """JSON objects that stand one behind the other."""
    found: list[dict[str, Any]] = []
    text = text.strip()
    while text:
        value, end = json.JSONDecoder().raw_decode(text)
        found.append(value)
        text = text[end:].strip()
    return found


async def test_the_tour_works_as_written(tmp_path: Path) -> None:
    blocks = TOUR.findall((ROOT / "README.md").read_text())
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    async with running_stack(tmp_path / ".drippulse") as stack, stack.client() as client:
        output = await run(f"\necho; echo '{MARK}'\n".join(blocks), tmp_path)
        metrics = (await client.get("/metrics")).text
    _, created, dry_run, enrolled, watched, explained, changed, mailbox, graphql, imported = output.split(MARK)
    assert json.loads(created)["id"] == 1
    assert "[test] Would send email" in dry_run
    assert json.loads(enrolled)["created_count"] == 2
    listed, _, detail = watched.strip().partition('}{"')
    assert json.loads(listed + "}")["step_funnel"]["totals"]["completed"] == 2
    assert [entry["status"] for entry in json.loads('{"' + detail)["timeline"]] == ["completed"] * 4
    assert "completed" in " ".join(json.loads(explained)["summary"])
    draft, simulated, preview = objects(changed)
    assert draft["problems"] == {}
    assert simulated["totals"]["completed"] == 1
    assert {gap["metric"]: gap["difference"] for gap in simulated["comparison"]["differences"]}["sends.total"] == -1
    assert preview["confirm_token"]
    assert {mail["subject"] for mail in json.loads(mailbox)["messages"]} == {"Welcome, Ada", "How is it going?"}
    assert json.loads(graphql)["data"]["enrollments"]["totalCount"] == 2
    assert "1" in imported
    assert 'drippulse_steps_total{status="completed",type="email"}' in metrics
    assert 'drippulse_http_requests_total{method="POST"' in metrics
