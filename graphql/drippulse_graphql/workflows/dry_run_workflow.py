"""The mutation `testWorkflow`."""

from typing import Any

import orjson

from drippulse.organizations.policy import Permission
from drippulse.workflows.schemas import TestResult, TestRun
from drippulse.workflows.trying import try_workflow
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=TestRun, answers=TestResult, apart=True)
async def test_workflow(call: Call[TestRun]) -> Any:
    """Runs the newest steps on fixture data. Waits do not wait, nothing is sent and nothing is written."""
    services = call.services
    result = await try_workflow(call.transaction, call.principal, services.vault, services.clock, call.id, call.body)
    return orjson.loads(result)
