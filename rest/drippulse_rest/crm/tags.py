"""`/crm/tags`: the tags of all records."""

from collections.abc import Sequence
from typing import Annotated

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from drippulse.crm.tags import service
from drippulse.crm.tags.listing import LISTING
from drippulse.crm.tags.schemas import READ_ONLY, TagChanged, TagList, TagUpdate
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.policy import Permission
from drippulse_rest.kit.answers import json_answer, list_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Body, list_route, route

TAG = "Tags"
PATH = "/crm/tags/{tag_name:path}"
ERRORS = {404: ("tag_not_found",), 409: ("tag_busy",)}
TagName = Annotated[str, PathParameter(description="The tag, encoded as a part of a URL.")]


@list_route("/crm/tags", operation_id="listCrmTags", tag=TAG, summary="List tags", answer=TagList, listing=LISTING)
async def list_tags(request: ApiRequest, wanted: ListRequest) -> Response[bytes]:
    """Every tag that a record has, by name, with how many records of each type have it. Deleted records
    do not count."""
    async with request.transaction() as session:
        answer = await service.list_tags(session, request.principal, wanted)
    return list_answer(request, wanted, answer)


@route(
    "PATCH",
    PATH,
    operation_id="renameCrmTag",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Rename a tag",
    answer=TagChanged,
    body=Body(TagUpdate, "tag", READ_ONLY, example={"name": "customer"}),
    errors=ERRORS | {422: ("validation_failed",)},
)
async def rename_tag(request: ApiRequest, tag_name: TagName) -> Response[bytes]:
    """Renames it in all records of all types, in one changeset. With the name of another tag the two become one. More
    than 10,000 records are changed in the background."""
    data = await request.read(TagUpdate)
    async with request.transaction() as session:
        changed = await service.rename_tag(session, request.principal, _name(tag_name), data.name)
    return json_answer(changed)


@route(
    "DELETE",
    PATH,
    operation_id="deleteCrmTag",
    permission=Permission.WRITE,
    tag=TAG,
    summary="Delete a tag",
    answer=TagChanged,
    errors=ERRORS,
)
async def delete_tag(request: ApiRequest, tag_name: TagName) -> Response[bytes]:
    """Takes it away from all records of all types, in one changeset. More than 10,000 records are changed in the
    background."""
    async with request.transaction() as session:
        gone = await service.delete_tag(session, request.principal, _name(tag_name))
    return json_answer(gone)


def _name(path: str) -> str:
    """A tag may have slashes in it; the path begins with one."""
    return path.removeprefix("/")


ROUTES: Sequence[HTTPRouteHandler] = (list_tags, rename_tag, delete_tag)
