"""`/workflows/{workflow_id}/simulate`: what a definition would do with many contacts over months."""

from collections.abc import Sequence

from litestar import Response
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from drippulse.organizations.policy import Permission
from drippulse.workflows.simulation import service
from drippulse.workflows.simulation.answers import SimulationOut
from drippulse.workflows.simulation.schemas import SimulationRequest
from drippulse_rest.kit.ids import WorkflowId
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import BULK_BODY_LIMIT, Body, Keyed, route

EXAMPLE = {
    "version": "live",
    "contacts": [{"email": "ada@example.com", "first_name": "Ada", "timezone": "Europe/London"}],
    "start_at": "2027-01-04T09:00:00Z",
    "until": "2027-07-04T09:00:00Z",
    "sending": {"caps": {"organization": {"per_day": 500}}},
    "seed": 7,
}


@route(
    "POST",
    "/workflows/{workflow_id:int}/simulate",
    operation_id="simulateWorkflow",
    permission=Permission.WRITE,
    tag="Workflows",
    summary="Simulate",
    answer=SimulationOut,
    body=Body(SimulationRequest, example=EXAMPLE),
    errors={
        400: ("invalid_step_graph",),
        404: ("workflow_not_found", "workflow_version_not_found"),
        413: ("too_many_contacts",),
        422: (
            "validation_failed",
            "invalid_settings",
            "no_draft",
            "contacts_empty",
            "no_enrollments_created",
            "invalid_timezone",
            "simulation_too_large",
        ),
        429: ("simulation_running",),
        500: ("simulation_failed",),
    },
    body_limit=BULK_BODY_LIMIT,
    keyed=Keyed.APART,
)
async def simulate_workflow(request: ApiRequest, workflow_id: WorkflowId) -> Response[bytes]:
    """Runs up to 10,000 contacts through a draft, any version or given steps on a clock of its own: months in seconds.
    Nothing is sent and nothing is written. Answers counts per step, paths, mails per day, what caps hold up, missing
    variables and warnings; with `compare_with` the same for a second definition and the differences. An organization
    has one simulation at a time, of at most 30 seconds of CPU time."""
    data = await request.read(SimulationRequest)
    services = request.services
    async with request.transaction() as session:
        job = await service.prepare(session, request.principal, services.vault, workflow_id, data, services.clock())
    answer = await services.simulator.run(job)
    return Response(answer, media_type=MediaType.JSON)


ROUTES: Sequence[HTTPRouteHandler] = (simulate_workflow,)
