"""`make schemathesis`: the whole product on a fresh folder, and Schemathesis with all of its checks against it.

Takes about ten minutes; the suite makes a shorter run (tests/contract/test_schemathesis.py).
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.support.stack import running_stack

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("schemathesis.toml")
LONG = ("--phases", "examples,coverage,fuzzing", "--max-examples", "20")
LEFT_OUT = (
    "revokeApiKey",
    "updateTeamMember",
    "changePassword",
    "createAdminSession",
    "login",
)
"""They end the access that the others need, or are slow on purpose."""


def command(
    url: str, key: str, *options: str, config: Path = CONFIG, without: tuple[str, ...] = ()
) -> tuple[list[str], dict[str, str]]:
    """The program and its environment. `without` are further operations to leave out."""
    left_out = [part for name in (*LEFT_OUT, *without) for part in ("--exclude-operation-id", name)]
    program = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(config), "--no-color", "run"),
        *(f"{url}/api/v1/openapi.json", "--url", url, "-H", f"Authorization: Bearer {key}", "--checks", "all"),
        *("--continue-on-failure", "--seed", "1", *left_out, *options),
    ]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    return program, {**os.environ, **hooks}


async def main() -> int:
    with tempfile.TemporaryDirectory(prefix="drippulse-schemathesis-") as folder:
        async with running_stack(Path(folder) / "data") as stack:
            program, environment = command(stack.url, stack.api_key, *LONG, *sys.argv[1:])
            process = await asyncio.create_subprocess_exec(*program, env=environment, cwd=folder)
            return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
