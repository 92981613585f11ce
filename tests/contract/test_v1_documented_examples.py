"""A client written against the API reference works unchanged: its examples, word for word, over HTTP.

Only the host, the key and the ids of the examples are replaced, by those of things that were made before.
"""

import json
import shlex
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.organizations import TestOrganization
from tests.support.v1 import make_contact, make_workflow

LIST = """curl https://api.outreachagent.dev/v1/enrollments \\
  -H "Authorization: Bearer $OUTREACHAGENT_API_KEY" """
CREATE = """curl -X POST https://api.outreachagent.dev/v1/enrollments \\
  -H "Authorization: Bearer $OUTREACHAGENT_API_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: enroll-con_xyz-wf_abc" \\
  -d '{"workflowId": "wf_abc", "contactId": "con_xyz", "variables": {"hook": "your Series A announcement"}}'"""
GET = """curl https://api.outreachagent.dev/v1/enrollments/enr_abc \\
  -H "Authorization: Bearer $OUTREACHAGENT_API_KEY" """
BULK = """curl -X POST https://api.outreachagent.dev/v1/enrollments/bulk \\
  -H "Authorization: Bearer $OUTREACHAGENT_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"workflowId": "wf_abc", "contactIds": ["con_1", "con_2", "con_3"]}'"""
LOGS = """curl https://api.outreachagent.dev/v1/enrollments/enr_abc/logs \\
  -H "Authorization: Bearer $OUTREACHAGENT_API_KEY" """


@dataclass
class Curl:
    """Runs the documentation's commands with these ids in place of the documented ones."""

    client: httpx.AsyncClient
    ids: dict[str, str]

    async def run(self, command: str) -> httpx.Response:
        for documented, real in self.ids.items():
            command = command.replace(f'"{documented}"', f'"{real}"').replace(f"/{documented}", f"/{real}")
        words = shlex.split(command.replace("\\\n", " "))
        url = next(word for word in words if word.startswith("https://"))
        headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
        sent = {name: value for name, value in headers if name != "Authorization"}
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        body = words[words.index("-d") + 1] if "-d" in words else None
        path = url.removeprefix("https://api.outreachagent.dev")
        return await self.client.request(method, path, content=body, headers=sent)


@pytest.fixture
async def curl(organization: TestOrganization) -> Curl:
    client = organization.client
    workflow = await make_workflow(client)
    ids = {"wf_abc": workflow["id"]}
    for name in ("con_xyz", "con_1", "con_2", "con_3"):
        ids[name] = (await make_contact(client, f"{name}@example.com"))["id"]
    return Curl(client, ids)


async def test_the_examples_of_the_reference_work_in_their_order(curl: Curl) -> None:
    empty = (await curl.run(LIST)).json()
    assert empty == {"items": [], "total": 0, "limit": 20, "offset": 0}
    created = await curl.run(CREATE)
    assert created.status_code == 201
    curl.ids["enr_abc"] = created.json()["id"]
    assert created.json()["variables"] == {"hook": "your Series A announcement"}
    assert (created.json()["contactId"], created.json()["workflowId"]) == (curl.ids["con_xyz"], curl.ids["wf_abc"])
    found = (await curl.run(GET)).json()
    assert (found["status"], found["currentNodeId"]) == ("active", "n1")
    assert (await curl.run(LIST)).json()["total"] == 1
    logs = (await curl.run(LOGS)).json()
    assert isinstance(logs, list)


async def test_a_repeated_example_answers_the_first_answer(curl: Curl) -> None:
    first, second = await curl.run(CREATE), await curl.run(CREATE)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


async def test_bulk_answers_each_contact_as_documented(curl: Curl) -> None:
    await curl.client.post("/v1/enrollments", json={"workflowId": curl.ids["wf_abc"], "contactId": curl.ids["con_2"]})
    answer = await curl.run(BULK)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = json.loads(answer.text)["results"]
    assert [result["contactId"] for result in results] == [curl.ids[name] for name in ("con_1", "con_2", "con_3")]
    assert results[0]["status"] == "enrolled"
    assert results[0]["enrollmentId"].startswith("enr_")
    assert results[1] == {"contactId": curl.ids["con_2"], "status": "skipped", "reason": "already enrolled"}
