"""Logins in the audit log of the organization that the user belongs to."""

import asyncio

import asyncpg
import structlog

from drippulse.events.service import SystemActor
from drippulse.kit.db import Database, Role
from drippulse.organizations import queries
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction

log = structlog.get_logger(__name__)


class LoginRecorder:
    """One per process. Refused logins are recorded after the answer, which would else take longer for known users."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks: set[asyncio.Task[None]] = set()

    async def succeeded(self, organization_id: int, user_id: int) -> None:
        async with self._database.tenant(organization_id) as session:
            actor = SystemActor(organization_id, "user", user_id)
            await audit.record(session, actor, AuditAction.LOGIN_SUCCEEDED, ("user", user_id))

    def refused(self, username: str, action: AuditAction) -> None:
        """An unknown user belongs to no organization, so that there is no log to write it to."""
        task = asyncio.get_running_loop().create_task(self._record(username, action))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _record(self, username: str, action: AuditAction) -> None:
        try:
            async with self._database.session(Role.AUTH) as session:
                row = await queries.user_by_name(session, username)
            if row is None:
                return
            async with self._database.tenant(row["organization_id"]) as session:
                actor = SystemActor(row["organization_id"], "anonymous")
                await audit.record(session, actor, action, ("user", row["id"]), {"username": row["username"]})
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("login_not_recorded", action=action.value, reason=str(error) or type(error).__name__)
