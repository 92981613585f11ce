"""The first organization, and what operators make from the command line."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from drippulse.events.service import SystemActor
from drippulse.kit.db import Database, Role
from drippulse.organizations import queries, service
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.errors import UnknownOrganizationError
from drippulse.organizations.passwords import hash_password
from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings

FIRST_ORGANIZATION = "My organization"
FIRST_USERNAME = "admin"
COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class FirstCredentials:
    """Shown once, at the first start."""

    organization: str
    username: str
    password: str
    api_key: str


@dataclass(frozen=True, slots=True)
class AdminCreated:
    organization_id: int
    user_id: int
    username: str
    organization_created: bool


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncGenerator[Database]:
    database = Database(settings)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def ensure_first_organization(settings: Settings) -> FirstCredentials | None:
    """On an empty installation an organization with an Admin and an API key; None when there is one already."""
    async with _opened(settings) as database:
        async with database.session(Role.AUTH) as session:
            if await queries.any_organization(session):
                return None
        password = secrets.token_urlsafe(15)
        name, role = FIRST_ORGANIZATION, MemberRole.ADMIN
        admin = await create_admin(settings, organization=name, username=FIRST_USERNAME, password=password)
        key = await create_api_key(settings, organization=name, role=role, name="First key", created_by=admin.user_id)
        return FirstCredentials(FIRST_ORGANIZATION, FIRST_USERNAME, password, key)


async def create_admin(settings: Settings, *, organization: str, username: str, password: str) -> AdminCreated:
    """An Admin of `organization`, which is made when absent.

    Raises:
        UsernameTakenError: usernames are unique over all organizations.
    """
    password_hash = await hash_password(password)
    async with _opened(settings) as database:
        await service.refuse_taken_username(database, username)
        created = False
        try:
            organization_id = await service.organization_id(database, organization)
        except UnknownOrganizationError:
            organization_id, created = await service.create_organization(database, organization), True
        async with database.tenant(organization_id) as session:
            user_id = await service.create_member(
                session,
                organization_id,
                username=username,
                email=None,
                password_hash=password_hash,
                role=MemberRole.ADMIN,
            )
            details = {"username": username, "role": MemberRole.ADMIN.value, "by": COMMAND_LINE}
            actor = SystemActor(organization_id)
            await audit.record(session, actor, AuditAction.MEMBER_CREATED, ("user", user_id), details)
        return AdminCreated(organization_id, user_id, username, created)


async def create_api_key(
    settings: Settings, *, organization: str, role: str, name: str = "Command line", created_by: int | None = None
) -> str:
    """A new API key of `organization`; the whole key, which is not shown again. `created_by`: the person it stands for.

    Raises:
        UnknownOrganizationError, UnknownRoleError: the message says what there is.
    """
    member_role = service.parse_role(role)
    async with _opened(settings) as database:
        organization_id = await service.organization_id(database, organization)
        async with database.tenant(organization_id) as session:
            key = await service.create_api_key(organization_id, name=name, role=member_role, created_by=created_by)
            details = {"name": name, "role": member_role.value, "last_four": key.last_four, "by": COMMAND_LINE}
            await audit.record(session, SystemActor(organization_id), AuditAction.API_KEY_CREATED, None, details)
        return key.key
