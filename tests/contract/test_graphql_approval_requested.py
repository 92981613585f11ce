"""`approvalRequested`: from the step of a run that the engine works on to the frame of a client."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest

from drippulse.organizations import service as organizations
from drippulse.organizations.tables import MemberRole
from tests.conftest import MakeDatabase
from tests.support.event_stream import event_stream
from tests.support.serving import serving
from tests.support.websocket import GraphqlSocket, graphql_socket
from tests.support.world import World, make_world

REQUESTED = """subscription ($after: String) { approvalRequested(after: $after) {
  cursor type at
  request { id message role stepId dueAt
    workflow { databaseId name } enrollment { databaseId contact { email } } } } }"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One engine, one web process, and keys of the organization that runs there and of another one."""

    world: World
    url: str
    keys: dict[MemberRole, str]
    foreign_key: str


@pytest.fixture(scope="module")
async def setting(make_database: MakeDatabase) -> AsyncGenerator[Setting]:
    settings = await make_database("approval_stream")
    async with make_world(settings) as world, serving(settings) as url:
        keys = {role: await key(world, world.organization_id, role) for role in MemberRole}
        other = await organizations.create_organization(world.database, "Other")
        yield Setting(world, url, keys, await key(world, other, MemberRole.ADMIN))


async def key(world: World, organization_id: int, role: MemberRole) -> str:
    async with world.database.tenant(organization_id):
        return (await organizations.create_api_key(organization_id, name=role.value, role=role)).key


async def ask(setting: Setting, email: str, **config: Any) -> tuple[int, int]:
    """Workflow and enrollment of a run that has come to its approval step."""
    step = {"type": "approval", "id": "ask", "config": {"message": "Send {{ email }} the offer?", **config}}
    workflow = await setting.world.workflow(step)
    [enrollment] = await setting.world.enroll(workflow, {"email": email})

    async def asks() -> bool:
        return bool(await setting.world.sql("SELECT FROM approval WHERE enrollment_id = $1", enrollment))

    await setting.world.work_until(asks)
    return workflow, enrollment


@pytest.mark.parametrize("role", [MemberRole.VIEWER, MemberRole.APPROVER])
async def test_a_run_that_comes_to_its_approval_is_told_over_both_transports(
    setting: Setting, role: MemberRole
) -> None:
    async with (
        graphql_socket(setting.url, setting.keys[role]) as socket,
        event_stream(setting.url, setting.keys[role], REQUESTED) as stream,
    ):
        await socket.subscribe("1", REQUESTED)
        await socket.settled()
        email = f"{role.value.lower()}@example.com"
        workflow, enrollment = await ask(setting, email, timeout={"duration": 2, "unit": "days"}, role="Admin")
        [row] = await setting.world.sql("SELECT * FROM approval WHERE enrollment_id = $1", enrollment)
        told = await socket.data()
        assert told["type"] == "approval.requested"
        assert told["request"].pop("dueAt") == row["due_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        assert told["request"] == {
            "id": str(row["id"]),
            "message": f"Send {email} the offer?",
            "role": "Admin",
            "stepId": "ask",
            "workflow": {"databaseId": str(workflow), "name": "Test"},
            "enrollment": {"databaseId": str(enrollment), "contact": {"email": email}},
        }
        event = await stream.receive()
        assert event.data["data"]["approvalRequested"]["request"]["id"] == str(row["id"])
        assert event.id == told["cursor"]


async def test_another_organization_hears_nothing(setting: Setting) -> None:
    async with (
        graphql_socket(setting.url, setting.foreign_key) as theirs,
        event_stream(setting.url, setting.foreign_key, REQUESTED) as their_stream,
        graphql_socket(setting.url, setting.keys[MemberRole.ADMIN]) as own,
    ):
        for socket in (theirs, own):
            await socket.subscribe("1", REQUESTED)
            await socket.settled()
        await theirs.subscribe("2", REQUESTED, after="ZTEuMC4w")  # from the beginning of the log
        await theirs.settled()
        await ask(setting, "ada@example.com")
        await own.data()
        await theirs.settled()
        with pytest.raises(TimeoutError):
            await their_stream.receive(0.5)


async def test_who_was_away_is_told_what_was_missed_and_nothing_twice(setting: Setting) -> None:
    key = setting.keys[MemberRole.APPROVER]
    async with graphql_socket(setting.url, key) as socket:
        await socket.subscribe("1", REQUESTED)
        await socket.settled()
        await ask(setting, "first@example.com")
        cursor = (await socket.data())["cursor"]
    missed = [f"missed{number}@example.com" for number in range(3)]
    for email in missed:
        await ask(setting, email)
    async with (
        graphql_socket(setting.url, key) as socket,
        event_stream(setting.url, key, REQUESTED, **{"last-event-id": cursor}) as stream,
    ):
        await socket.subscribe("1", REQUESTED, after=cursor)
        assert [await asked(socket) for _ in missed] == missed
        found = [(await stream.value())["request"]["enrollment"]["contact"]["email"] for _ in missed]
        assert found == missed
        await ask(setting, "last@example.com")
        assert await asked(socket) == "last@example.com"


async def asked(socket: GraphqlSocket) -> str:
    return (await socket.data())["request"]["enrollment"]["contact"]["email"]
