"""The mutation `simulateWorkflow`."""

from typing import Any

import orjson

from drippulse.organizations.policy import Permission
from drippulse.workflows.simulation import service
from drippulse.workflows.simulation.answers import SimulationOut
from drippulse.workflows.simulation.schemas import SimulationRequest
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call
from drippulse_graphql.workflows.answers import WORKFLOW


@mutation(Permission.WRITE, about=WORKFLOW, body=SimulationRequest, answers=SimulationOut, apart=True)
async def simulate_workflow(call: Call[SimulationRequest]) -> Any:
    """Runs up to 10,000 contacts through a draft, any version or given steps on a clock of its own: months in seconds.
    Nothing is sent and nothing is written."""
    services = call.services
    async with call.transaction() as session:
        job = await service.prepare(session, call.principal, services.vault, call.id, call.body, services.clock())
    return orjson.loads(await services.simulator.run(job))
