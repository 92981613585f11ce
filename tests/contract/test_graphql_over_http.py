"""The audits of the reference implementation of GraphQL over HTTP, against the running application."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.support.npm import install
from tests.support.organizations import TestOrganization
from tests.support.serving import serving

SOURCE = Path(__file__).parents[1] / "support" / "graphql_http"
AUDITS = 61
ENOUGH = 120


@pytest.fixture(scope="module")
async def audits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that they run in. Without node the test is skipped, but for CI, where it must be there."""
    folder = tmp_path_factory.mktemp("graphql_http") / "audits"
    missing = await install(SOURCE, folder)
    if missing is not None:
        assert not os.environ.get("CI"), f"CI needs node and npm, which .ci/run installs: {missing}"
        pytest.skip(missing)
    return folder


async def test_every_audit_passes_without_a_warning(
    audits: Path, settings: Settings, organization: TestOrganization
) -> None:
    async with serving(settings) as url:
        process = await asyncio.create_subprocess_exec(
            *("node", "audits.mjs", f"{url}/graphql", organization.keys[MemberRole.ADMIN]),
            cwd=audits,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(process.communicate(), ENOUGH)
    found = [json.loads(line) for line in output.splitlines()]
    assert [audit for audit in found if audit["status"] != "ok"] == []
    assert len(found) == AUDITS
