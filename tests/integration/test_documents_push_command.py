"""`drippulse graphql documents push` as a build runs it, against a web process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drippulse.kit.crypto import sha256_hex
from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization

WHO = "query Who { viewer { role } }"
DOCUMENTS = "/api/v1/graphql/documents"
ENOUGH = 60


async def push(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "drippulse_server", "graphql", "documents", "push", *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("DRIPPULSE_")} | {"COLUMNS": "200"}
    return await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, timeout=ENOUGH, check=False
    )


async def test_every_form_of_manifest_is_registered_once(
    url: str, organization: TestOrganization, tmp_path: Path
) -> None:
    more = {f"D{number}": f"query D{number} {{ viewer {{ role }} }}" for number in range(250)}
    operation = {"id": "x", "name": "Apollo", "type": "query", "body": "query Apollo { viewer { actorType } }"}
    forms: dict[str, object] = {
        "plain.json": {sha256_hex(WHO): WHO, **more},
        "ours.json": {"documents": {"Ours": "query Ours { stepTypes { type } }"}},
        "apollo.json": {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation]},
    }
    for name, content in forms.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "Who.graphql").write_text(f"{WHO}\n")
    where = ("--url", url, "--key", organization.keys[MemberRole.ADMIN], "--client", "web")
    files = [tmp_path / name for name in (*forms, "Who.graphql")]
    first = await push(*files, *where)
    assert (first.returncode, first.stdout.strip()) == (0, "254 registered, 0 changed, 0 as before."), first.stderr
    again = await push(*files, *where)
    assert (again.returncode, again.stdout.strip()) == (0, "0 registered, 0 changed, 254 as before.")
    listed = (await organization.client.get(DOCUMENTS, params={"q": "Who"})).json()["documents"]
    assert {(one["name"], one["sha256"]) for one in listed} == {("", sha256_hex(WHO)), ("Who", sha256_hex(f"{WHO}\n"))}


async def test_what_is_wrong_is_told_with_file_and_place(
    url: str, organization: TestOrganization, tmp_path: Path
) -> None:
    (tmp_path / "Wrong.graphql").write_text("query Wrong {\n  viewer { rol }\n}\n")
    (tmp_path / "more.json").write_text(json.dumps({"Half": "query Half {", "Fine": WHO}))
    key = organization.keys[MemberRole.ADMIN]
    done = await push(tmp_path / "Wrong.graphql", tmp_path / "more.json", "--url", url, "--key", key)
    assert done.returncode == 1
    assert f"{tmp_path / 'Wrong.graphql'}: Wrong: 2:12: Cannot query field 'rol' on type 'Viewer'." in done.stderr
    assert f"{tmp_path / 'more.json'}: Half: 1:13: Syntax Error" in done.stderr
    assert (await organization.client.get(DOCUMENTS)).json()["total_count"] == 0


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.json": "["}, "a.json is no manifest"),
        ({"a.json": "[]"}, "a.json is no manifest"),
        ({"a.json": '{"a": 1}'}, "'a' has no text"),
        ({"a.json": '{"operations": [{"name": "a"}]}'}, "'a' has no text"),
        ({"a.json": "{}"}, "There is no document"),
        ({"a.json": '{"Who": "{ viewer { role } }"}', "Who.graphql": WHO}, '"Who" has another text in'),
    ],
)
async def test_files_that_are_no_manifests_are_refused(files: dict[str, str], sentence: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    done = await push(*(tmp_path / name for name in files), "--url", "http://127.0.0.1:9", "--key", "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence in done.stderr


async def test_a_key_that_may_not_do_it_is_told(url: str, organization: TestOrganization, tmp_path: Path) -> None:
    (tmp_path / "Who.graphql").write_text(WHO)
    done = await push(tmp_path / "Who.graphql", "--url", url, "--key", organization.keys[MemberRole.EDITOR])
    assert done.returncode == 1
    assert "Your role is Editor" in done.stderr
