"""What saving and testing a workflow says of the `crm` step."""

from typing import Any

import httpx
import pytest

from tests.support.workflows import create_workflow

WORKFLOWS = "/api/v1/workflows"


def steps(**config: Any) -> list[dict[str, Any]]:
    return [{"type": "crm", "name": "CRM", "config": config}]


@pytest.mark.parametrize(
    ("config", "path", "word"),
    [
        ({"action": "move_stage", "ref": "{{ deal }}"}, "stage", "missing"),
        ({"action": "move_stage", "stage": "Won"}, "ref", "opportunity"),
        ({"action": "move_stage", "ref": "x", "stage": "Won", "fields": {"name": "x"}}, "fields", "update"),
        ({"action": "move_stage", "ref": "x", "stage": "Won", "record_type": "lead"}, "record_type", "opportunity"),
        ({"action": "update", "stage": "Won"}, "stage", "move_stage"),
        ({"action": "update", "record_type": "account"}, "ref", "account"),
        ({"action": "add_activity", "fields": {"subjekt": "x"}}, "fields.subjekt", "subject"),
        ({"action": "add_activity", "record_type": "activity"}, "record_type", "opportunity"),
        ({"action": "add_activity", "fields": {"body": "{{ x"}}, "fields.body", "Liquid"),
        ({"action": "create", "record_type": "acount"}, "record_type", "account"),
    ],
)
async def test_a_step_that_cannot_work_is_refused_at_save(
    client: httpx.AsyncClient, config: dict[str, Any], path: str, word: str
) -> None:
    answer = await client.post(WORKFLOWS, json={"name": "W", "steps": steps(**config)})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_step_graph")
    errors = answer.json()["errors"]
    assert word in " ".join(errors[f"steps.0.config.{path}"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"action": "move_stage", "ref": "opp_1", "stage": "{{ first_name }}"},
            '[test] Would move the opportunity for "opp_1" to the stage',
        ),
        ({"action": "add_activity", "fields": {"type": "call"}}, "[test] Would add a call to the contact or lead for"),
        ({"action": "create", "record_type": "account", "fields": {"name": "A"}}, "[test] Would create an account"),
    ],
)
async def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    client: httpx.AsyncClient, config: dict[str, Any], said: str
) -> None:
    workflow = await create_workflow(client, steps=steps(**config))
    result = (await client.post(f"{WORKFLOWS}/{workflow['id']}/test", json={"fixture_profile": "minimal"})).json()
    assert (result["status"], said in " ".join(result["logs"])) == ("completed", True), result["logs"]
    for plural in ("accounts", "activities", "opportunities"):
        assert (await client.get(f"/api/v1/crm/{plural}")).json()["total_count"] == 0
