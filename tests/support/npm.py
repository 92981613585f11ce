"""Programs of tests and benches that npm packages are needed for; each folder has its lock, with hashes."""

import asyncio
import shutil
from pathlib import Path

COMMAND = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent")


async def install(source: Path, folder: Path) -> str | None:
    """Copy `source` to `folder` and install what its lock names; why that is not possible, or None."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not installed"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("node_modules", "dist"))
    process = await asyncio.create_subprocess_exec(*COMMAND, cwd=folder, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    return None if process.returncode == 0 else f"npm ci failed: {errors.decode(errors='replace').strip()[:200]}"
