"""A dry run of a stored workflow."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from drippulse.kit.clock import Clock
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Session
from drippulse.kit.json import dump_json
from drippulse.organizations.policy import Principal
from drippulse.workflows import service
from drippulse.workflows.dry_run import dry_run, sample_payload
from drippulse.workflows.schemas import TestRun
from drippulse.workflows.templates import Templates


async def try_workflow(
    transaction: Callable[[], AbstractAsyncContextManager[Session]],
    principal: Principal,
    vault: Vault,
    clock: Clock,
    workflow_id: int,
    data: TestRun,
) -> str:
    """Run the newest steps on fixture data; the JSON of `TestResult`.

    Raises:
        NotFoundError: no such workflow.
        UnknownFixtureProfileError, InvalidSampleDataError
    """
    async with transaction() as session:
        graph = await service.newest_graph(session, principal, vault, workflow_id)
    run = partial(
        dry_run,
        graph,
        now=clock(),
        templates=Templates(),
        payload=sample_payload(data.model_dump()),
        fixture_profile=data.fixture_profile,
        organization_id=principal.organization_id,
        workflow_id=workflow_id,
    )
    result: dict[str, Any] = await asyncio.to_thread(run)  # bounded, but long enough to hold up other requests
    return dump_json(result)
