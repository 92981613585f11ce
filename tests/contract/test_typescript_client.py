"""The typed client: its types are generated from the schema, it compiles strictly, and its example works."""

import asyncio
import os
from pathlib import Path

import pytest

from drippulse.organizations.tables import MemberRole
from drippulse.settings import Settings
from drippulse_graphql.schema import sdl
from tests.support.npm import install
from tests.support.organizations import TestOrganization
from tests.support.serving import serving
from tests.support.workflows import create_workflow

SOURCE = Path(__file__).parents[2] / "graphql" / "client"
TYPES = Path("src") / "schema.d.ts"
AGAIN = "the types are old: run `npm ci && npm run generate` in graphql/client"
ENOUGH = 120


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package beside the schema. Without node the tests are skipped, but for CI, where it must be."""
    folder = tmp_path_factory.mktemp("typescript") / "client"
    schema = folder.parent / "drippulse_graphql" / "schema.graphql"
    schema.parent.mkdir()
    schema.write_text(sdl())
    missing = await install(SOURCE, folder)
    if missing is not None:
        assert not os.environ.get("CI"), f"CI needs node and npm, which .ci/run installs: {missing}"
        pytest.skip(missing)
    return folder


async def run(folder: Path, *command: str, **env: str) -> tuple[int, str]:
    """Exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), ENOUGH)
    return process.returncode or 0, output.decode()


async def test_its_types_are_those_of_the_schema(client: Path) -> None:
    code, output = await run(client, "npm", "run", "--silent", "generate")
    assert code == 0, output
    assert (client / TYPES).read_text() == (SOURCE / TYPES).read_text(), AGAIN


async def test_it_compiles_strictly(client: Path) -> None:
    assert await run(client, "node_modules/.bin/tsc", "--noEmit", "--pretty", "false") == (0, "")


async def test_the_package_has_what_it_exports(client: Path) -> None:
    assert await run(client, "npm", "run", "--silent", "build") == (0, "")
    script = "import('@drippulse/client').then(one => console.log(Object.keys(one).sort().join(' ')))"
    names = "DripPulse DripPulseError documentId graphql manifest readFragment textOf\n"
    assert await run(client, "node", "--input-type=module", "--eval", script) == (0, names)


async def test_its_example_works_against_an_instance(
    client: Path, settings: Settings, organization: TestOrganization
) -> None:
    workflow = (await create_workflow(organization.client))["id"]
    code, output = await run(client, "node_modules/.bin/tsc", "--outDir", "built", "--pretty", "false")
    assert (code, output) == (0, "")
    async with serving(settings) as url:
        code, output = await run(
            client,
            *("node", "--test", "built/test/"),
            DRIPPULSE_URL=url,
            DRIPPULSE_KEY=organization.keys[MemberRole.ADMIN],
            DRIPPULSE_WORKFLOW=str(workflow),
        )
    assert code == 0, output
    assert "# pass 8" in output
    used = (await organization.client.get("/api/v1/graphql/usage", params={"client": "example"})).json()["usage"]
    assert {(row["version"], row["operation"]) for row in used} == {
        ("1.0", "Overview"),
        ("1.0", "Enroll"),
        ("1.0", "Advances"),
    }
