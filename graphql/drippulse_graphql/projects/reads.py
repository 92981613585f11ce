"""Reads of projects."""

from typing import Any

from drippulse.organizations.policy import Permission
from drippulse.projects import service
from drippulse.projects.listing import LISTING
from drippulse.projects.schemas import ProjectList, ProjectOut
from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.kit.reads import Reading, read
from drippulse_graphql.projects.answers import PROJECT


@read(Permission.READ, listing=LISTING, answers=ProjectList, covers=("listProjects",))
async def projects(call: Reading) -> Any:
    """All projects of the organization, newest first, each with the number of its workflows."""
    return await service.list_projects(call.session, call.principal, call.wanted)


@read(Permission.READ, about=PROJECT, answers=ProjectOut, covers=("getProject",))
async def project(call: Reading) -> Any:
    """One project; null for unknown ids."""
    return await service.get_project(call.session, call.principal, call.id)


READS: tuple[Declared, ...] = (projects, project)
