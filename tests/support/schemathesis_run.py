"""`make schemathesis`: the whole product on a fresh folder, and Schemathesis with all of its checks against it.

Takes about ten minutes, so that the suite makes up requests by itself (tests/contract/test_fuzzed_requests.py).
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.support.stack import running_stack

CONFIG = Path(__file__).with_name("schemathesis.toml")
PHASES = "examples,coverage,fuzzing"
EXAMPLES = "20"
LEFT_OUT = (
    "revokeApiKey",
    "deleteTeamMember",
    "updateTeamMember",
    "changePassword",
    "createAdminSession",
    "login",
    "adminLogin",
)
"""They end the access that the others need, or are slow on purpose."""


async def main() -> int:
    with tempfile.TemporaryDirectory(prefix="drippulse-schemathesis-") as folder:
        async with running_stack(Path(folder) / "data") as stack:
            left_out = [part for name in LEFT_OUT for part in ("--exclude-operation-id", name)]
            process = await asyncio.create_subprocess_exec(
                *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(CONFIG), "--no-color", "run"),
                f"{stack.url}/api/v1/openapi.json",
                *("-H", f"Authorization: Bearer {stack.api_key}", "--phases", PHASES, "--max-examples", EXAMPLES),
                *("--continue-on-failure", "--seed", "1", *left_out, *sys.argv[1:]),
                env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": "."},
            )
            return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
