"""`/projects`: what workflows are grouped by."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse.projects import service
from drippulse.projects.listing import LISTING
from drippulse.projects.schemas import READ_ONLY, ProjectCreate, ProjectList, ProjectOut, ProjectUpdate
from drippulse_rest.kit.answers import json_answer, list_answer, no_content
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Projects"
WRAPPER = "project"
EXAMPLE = {"name": "Onboarding", "description": "What new customers get", "color": "#1a73e8"}
UNKNOWN = {404: ("project_not_found",)}
INVALID = {409: ("project_exists",), 422: ("validation_failed",)}
ProjectId = Annotated[int, PathParameter(description="Id of a project.")]


@list_route(
    "/projects", operation_id="listProjects", tag=TAG, summary="List projects", answer=ProjectList, listing=LISTING
)
async def list_projects(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """All projects of the organization, newest first, each with the number of its workflows."""
    async with request.transaction() as session:
        answer = await service.list_projects(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "POST",
    "/projects",
    operation_id="createProject",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Create a project",
    status=201,
    answer=ProjectOut,
    body=Body(ProjectCreate, WRAPPER, READ_ONLY, example=EXAMPLE),
    errors=INVALID,
)
async def create_project(request: ApiRequest) -> Response[bytes]:
    """Workflows join it by their `project_id`."""
    data = await request.read(ProjectCreate)
    async with request.transaction() as session:
        made = await service.create_project(session, request.principal, data)
    return json_answer(made, status=201)


@route(
    "GET",
    "/projects/{project_id:int}",
    operation_id="getProject",
    permission=Permission.READ,
    tag=TAG,
    summary="Show a project",
    answer=ProjectOut,
    errors=UNKNOWN,
)
async def get_project(request: ApiRequest, project_id: ProjectId) -> Response[bytes]:
    """One project. `GET /workflows?project_id=` lists its workflows."""
    async with request.transaction() as session:
        found = await service.get_project(session, request.principal, project_id)
    return json_answer(found)


@route(
    "PATCH",
    "/projects/{project_id:int}",
    operation_id="updateProject",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Update a project",
    answer=ProjectOut,
    body=Body(ProjectUpdate, WRAPPER, READ_ONLY, example={"archived": True}),
    errors=INVALID | UNKNOWN,
)
async def update_project(request: ApiRequest, project_id: ProjectId) -> Response[bytes]:
    """Fields left out stay as they are. Archiving changes nothing for the workflows in it."""
    data = await request.read(ProjectUpdate)
    async with request.transaction() as session:
        changed = await service.update_project(session, request.principal, project_id, data)
    return json_answer(changed)


@route(
    "DELETE",
    "/projects/{project_id:int}",
    operation_id="deleteProject",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a project",
    status=204,
    answer_text="Deleted; its workflows stay, without a project.",
    errors=UNKNOWN,
)
async def delete_project(request: ApiRequest, project_id: ProjectId) -> Response[None]:
    """Deletes the project and none of its workflows."""
    async with request.transaction() as session:
        await service.delete_project(session, request.principal, project_id)
    return no_content()


ROUTES: Sequence[HTTPRouteHandler] = (list_projects, create_project, get_project, update_project, delete_project)
