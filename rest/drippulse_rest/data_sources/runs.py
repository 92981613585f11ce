"""`/data_source_runs`: readings of data sources."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter
from litestar.response import Stream

from drippulse.data_sources import runs
from drippulse.data_sources.run_listing import LISTING
from drippulse.data_sources.schemas import RUN_READ_ONLY, DataSourceRunList, DataSourceRunOut, RunCreate
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Data sources"
WRAPPER = "data_source_run"
CSV = "text/csv"
RunId = Annotated[int, PathParameter(description="Id of a run.")]
UNKNOWN = {404: ("data_source_run_not_found",)}


@list_route(
    "/data_source_runs",
    operation_id="listDataSourceRuns",
    tag=TAG,
    summary="List runs of data sources",
    answer=DataSourceRunList,
    listing=LISTING,
)
async def list_runs(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Newest first; the 500 newest without paging parameters. Of each source the last 1,000 runs are kept."""
    async with request.transaction() as session:
        answer = await runs.list_runs(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/data_source_runs",
    operation_id="startDataSourceRun",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Run a data source",
    status=201,
    answer=DataSourceRunOut,
    answer_text="The run, which waits for a worker.",
    body=Body(RunCreate, WRAPPER, RUN_READ_ONLY, example={"data_source_id": 1}),
    errors={
        404: ("data_source_not_found",),
        409: ("data_source_run_open", "data_source_has_no_file"),
        422: ("validation_failed",),
    },
)
async def start_run(request: ApiRequest) -> Response[bytes]:
    """Reads the source in the background. With a cursor column only what is new since the last completed run, unless
    `from_start` says otherwise. Of one source one run is under way at a time."""
    data = await request.read(RunCreate)
    async with request.transaction() as session:
        made = await runs.start_run(session, request.principal, data)
        session.after_commit(request.services.waker.wake)
    return json_answer(made, status=201)


@route(
    "GET",
    "/data_source_runs/{run_id:int}",
    operation_id="getDataSourceRun",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a run of a data source",
    answer=DataSourceRunOut,
    errors=UNKNOWN,
)
async def get_run(request: ApiRequest, run_id: RunId) -> Response[bytes]:
    """Its status and what became of its rows so far."""
    async with request.transaction() as session:
        shown = await runs.get_run(session, request.principal, run_id)
    return json_answer(shown)


@route(
    "GET",
    "/data_source_runs/{run_id:int}/errors.csv",
    operation_id="getDataSourceRunErrors",
    permission=Permission.READ,
    tag=TAG,
    summary="Download what was wrong with rows",
    answer_text="CSV: row, column, value, message, and the row as JSON.",
    texts=(CSV,),
    errors=UNKNOWN,
)
async def get_errors(request: ApiRequest, run_id: RunId) -> Stream:
    """Which rows were not written and why. Cells that a spreadsheet would calculate begin with an apostrophe. At most
    10,000 problems are kept of a run; all are counted."""
    async with request.transaction() as session:
        await runs.get_run(session, request.principal, run_id)
    return Stream(
        runs.error_file(request.services.database, request.principal, run_id),
        headers={
            "content-type": f"{CSV}; charset=utf-8",
            "content-disposition": f'attachment; filename="data-source-run-{run_id}-errors.csv"',
        },
    )


@route(
    "POST",
    "/data_source_runs/{run_id:int}/cancel",
    operation_id="cancelDataSourceRun",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Cancel a run of a data source",
    answer=DataSourceRunOut,
    errors=UNKNOWN | {409: ("data_source_run_over",)},
)
async def cancel_run(request: ApiRequest, run_id: RunId) -> Response[bytes]:
    """It stops within seconds. What is written already stays, and can be undone by reverting `changeset_id`."""
    async with request.transaction() as session:
        shown = await runs.cancel_run(session, request.principal, run_id)
    return json_answer(shown)


ROUTES: Sequence[HTTPRouteHandler] = (list_runs, start_run, get_run, get_errors, cancel_run)
