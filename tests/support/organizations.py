"""Factories: an organization with an Admin, keys of every role, and clients that talk to the application over ASGI."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import httpx

from drippulse.kit.services import AppServices
from drippulse.organizations import service
from drippulse.organizations.passwords import hash_password
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole

PASSWORD = "correct horse battery staple"
ClientFactory = Callable[..., httpx.AsyncClient]


@dataclass(slots=True)
class TestOrganization:
    """One organization of one test."""

    __test__ = False

    id: int
    name: str
    admin_id: int
    username: str
    keys: dict[MemberRole, str]
    make_client: ClientFactory
    _clients: dict[str, httpx.AsyncClient] = field(default_factory=dict[str, httpx.AsyncClient])

    @property
    def client(self) -> httpx.AsyncClient:
        """A client with the Admin's API key."""
        return self.as_role(MemberRole.ADMIN)

    def as_role(self, role: MemberRole) -> httpx.AsyncClient:
        """A client with an API key of this role."""
        token = self.keys[role]
        return self._clients.setdefault(token, self.make_client(token))

    @property
    def principal(self) -> Principal:
        return Principal(self.id, MemberRole.ADMIN, "user", self.admin_id, f"session:{self.admin_id}")


@lru_cache(maxsize=1)
def _hashing() -> "asyncio.Task[str]":
    return asyncio.create_task(hash_password(PASSWORD))


async def _password_hash() -> str:
    """One hash for all: making it is slow on purpose."""
    return await _hashing()


async def make_organization(services: AppServices, make_client: ClientFactory) -> TestOrganization:
    """A new organization with an Admin (password `PASSWORD`) and an API key for each role."""
    name = f"Organization {secrets.token_hex(6)}"
    organization_id = await service.create_organization(services.database, name)
    username = f"admin-{secrets.token_hex(6)}"
    password_hash = await _password_hash()
    keys: dict[MemberRole, str] = {}
    async with services.database.tenant(organization_id) as session:
        admin_id = await service.create_member(
            session,
            organization_id,
            username=username,
            email=f"{username}@example.com",
            password_hash=password_hash,
            role=MemberRole.ADMIN,
        )
        for role in MemberRole:
            keys[role] = (await service.create_api_key(organization_id, name=role.value, role=role)).key
    return TestOrganization(organization_id, name, admin_id, username, keys, make_client)
