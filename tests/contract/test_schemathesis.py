"""Schemathesis over the API description, against the running application: every check, no failure.

A quick look at every operation. A long one, with `--timeout 3000`:
`DRIPPULSE_SCHEMATHESIS="--phases examples,coverage,fuzzing,stateful --max-examples 20"`.
"""

import asyncio
import os
import shlex
import sys
from pathlib import Path

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from tests.support.organizations import TestOrganization
from tests.support.serving import serving

QUICK = "--phases fuzzing --max-examples 4"
CONFIG = """
[generation]
allow-x00 = false
deterministic = true

# What is right by its schema may still be refused by a rule that no schema can say (a step graph, an address that is
# none, page and cursor together). test_fuzzed_requests.py looks at those refusals one by one.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "400", "401", "403", "404", "409", "410", "413", "422", "429", "503"]

# 413 beside the usual ones: made-up texts may be longer than a body.
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "414", "415", "422", "428", "429", "5xx"]
"""
ENOUGH = 3000
LONGEST = 400  # of a printed line; some requests are as long as a body may be


async def test_no_check_fails(settings: Settings, organization: TestOrganization, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    wanted = shlex.split(os.environ.get("DRIPPULSE_SCHEMATHESIS", QUICK))
    async with serving(settings, DRIPPULSE_LOG_LEVEL="error") as url:
        running = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/api/v1/openapi.json", "--url", url),
            *("-H", f"Authorization: Bearer {organization.keys[MemberRole.ADMIN]}", "--checks", "all", "--seed", "1"),
            *("--exclude-operation-id", "getHealth", "--exclude-operation-id", "getApiHealth"),  # no sweeper runs here
            *("--no-shrink", "--workers", "2", "--warnings", "off", "--no-color", *wanted),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(running.communicate(), ENOUGH)
    assert running.returncode == 0, "\n".join(line[:LONGEST] for line in output.decode().splitlines())
