"""What a process remembers of credentials, and when it must not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from drippulse.kit.db import Database, Role, Session
from drippulse.kit.services import AppServices
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.login_throttle import LoginThrottle
from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization


class Interrupted(Database):
    """Counts what is asked of it; `interrupt` makes something be taken away while the first answer is on its way."""

    asked = 0
    interrupt: Authenticator | None = None

    @asynccontextmanager
    async def session(self, role: Role, organization_id: int | None = None) -> AsyncGenerator[Session]:
        async with super().session(role, organization_id) as session:
            yield session
        if role is Role.AUTH:
            self.asked += 1
            if self.interrupt is not None and self.asked == 1:
                self.interrupt.forget()


@pytest.fixture
async def database(services: AppServices) -> AsyncGenerator[Interrupted]:
    opened = Interrupted(services.settings)
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(("interrupted", "asked"), [(False, 1), (True, 2)])
async def test_what_was_read_before_something_was_taken_away_is_not_remembered(
    interrupted: bool, asked: int, database: Interrupted, services: AppServices, organization: TestOrganization
) -> None:
    authenticator = Authenticator(database, services.settings, LoginThrottle(services.redis))
    database.interrupt = authenticator if interrupted else None
    for _ in range(3):
        principal = await authenticator.principal(organization.keys[MemberRole.EDITOR])
        assert principal.role is MemberRole.EDITOR
    assert database.asked == asked
    await authenticator.close()
