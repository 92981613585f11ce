"""Schemathesis over the API description, against the running application: every check, no failure.

A quick look at every operation, with the settings of `make schemathesis`, which is the long one. Requests that are
right by their schema may be refused here by any rule, for they meet what others have left behind, and
test_fuzzed_requests.py looks at those refusals one by one.
"""

import asyncio
from pathlib import Path

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.support.organizations import TestOrganization
from tests.support.schemathesis_run import CONFIG, command
from tests.support.serving import serving

QUICK = ("--phases", "fuzzing", "--max-examples", "4", "--no-shrink", "--workers", "1", "--warnings", "off")
NO_SWEEPER = ("getHealth", "getApiHealth")
"""They answer 503 here, because no scheduler runs."""
MEANING = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "413", "422", "429", "5xx"]
"""
ENOUGH = 600
LONGEST = 400  # of a printed line; some requests are as long as a body may be


async def test_no_check_fails(settings: Settings, organization: TestOrganization, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.read_text() + MEANING)
    async with serving(settings, DRIPPULSE_LOG_LEVEL="error") as url:
        program, environment = command(
            url, organization.keys[MemberRole.ADMIN], *QUICK, config=config, without=NO_SWEEPER
        )
        running = await asyncio.create_subprocess_exec(
            *program, env=environment, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(running.communicate(), ENOUGH)
    assert running.returncode == 0, "\n".join(line[:LONGEST] for line in output.decode().splitlines())
