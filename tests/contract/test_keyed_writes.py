"""How a keyed write goes together with its handler's transactions, its hooks, its own calls and its upload."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import httpx
import pytest
from litestar import Response

from drippulse.kit.errors import ConflictError, ValidationError
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Permission
from drippulse.organizations.tables import MemberRole
from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import Keyed, route
from tests.support.organizations import TestOrganization
from tests.support.small_app import client_of, small_app
from tests.support.waiting import eventually

KEY = {"Idempotency-Key": "k"}
NOTE = "INSERT INTO mail_template (organization_id, name, subject, body) VALUES ($1, $2, '', '')"


@dataclass
class Seen:
    """What the handlers did, and what holds them up."""

    calls: int = 0
    woken: list[str] = field(default_factory=list[str])
    read: list[int] = field(default_factory=list[int])
    transactions: set[int] = field(default_factory=set[int])
    go: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 200


class CrashError(Exception):
    """Not a domain error: 500."""


def _write(path: str, keyed: Keyed = Keyed.TOGETHER):  # noqa: ANN202 - what `route` returns
    return route("POST", path, operation_id=path, permission=Permission.WRITE, tag="t", summary="s", keyed=keyed)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def small(
    services: AppServices, organization: TestOrganization, seen: Seen, app: object
) -> AsyncGenerator[httpx.AsyncClient]:
    async def wake(name: str) -> None:
        seen.woken.append(name)

    async def note(request: ApiRequest, name: str) -> None:
        async with request.transaction() as session:
            seen.transactions.add(await session.fetchval("SELECT txid_current()"))
            await session.execute(NOTE, organization.id, name)
            session.after_commit(lambda: wake(name))

    @_write("/several")
    async def several(request: ApiRequest) -> Response[bytes]:
        seen.calls, before = seen.calls + 1, len(seen.woken)
        await note(request, "one")
        try:
            async with request.transaction() as session:
                await session.execute(NOTE, organization.id, "undone")
                session.after_commit(lambda: wake("undone"))
                raise ConflictError("taken back")
        except ConflictError:
            pass
        await note(request, "two")
        assert len(seen.woken) == before or "idempotency-key" not in request.headers
        return json_answer({"calls": seen.calls}, status=seen.status)

    @_write("/crash")
    async def crash(request: ApiRequest) -> Response[bytes]:
        seen.calls += 1
        await note(request, "lost")
        if seen.calls == 1:
            raise CrashError
        return json_answer({"calls": seen.calls})

    @_write("/apart", Keyed.APART)
    async def apart(request: ApiRequest) -> Response[bytes]:
        seen.calls += 1
        await note(request, "first")
        await seen.go.wait()
        if seen.status == 422:
            raise ValidationError("no")
        await note(request, "second")
        return json_answer({"calls": seen.calls}, status=seen.status)

    @_write("/upload", Keyed.STREAMED)
    async def upload(request: ApiRequest) -> Response[bytes]:
        seen.calls += 1
        if "multipart" in request.headers.get("content-type", ""):
            form = await request.form()
            seen.read.append(len(await form["file"].read()))
        else:
            async for piece in request.stream():
                seen.read.append(len(piece))
        return json_answer({"calls": seen.calls})

    application = small_app(services, several, crash, apart, upload)
    async with client_of(application, organization.keys[MemberRole.ADMIN]) as client:
        yield client


async def names(services: AppServices, organization: TestOrganization) -> list[str]:
    async with services.database.tenant(organization.id) as session:
        return [row["name"] for row in await session.fetch("SELECT name FROM mail_template ORDER BY id")]


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def test_blocks_of_a_keyed_write_are_parts_of_one_transaction(
    small: httpx.AsyncClient, seen: Seen, services: AppServices, organization: TestOrganization
) -> None:
    first, again = [await small.post("/api/v1/several", headers=KEY) for _ in range(2)]
    assert (first.status_code, again.content) == (200, first.content)
    assert (seen.calls, len(seen.transactions)) == (1, 1)
    assert await names(services, organization) == ["one", "two"]
    assert seen.woken == ["one", "two"]


async def test_without_a_key_each_block_commits_by_itself(small: httpx.AsyncClient, seen: Seen) -> None:
    await small.post("/api/v1/several")
    assert len(seen.transactions) == 2
    assert seen.woken == ["one", "two"]


async def test_a_crash_undoes_the_write_and_leaves_the_key_free(
    small: httpx.AsyncClient, seen: Seen, services: AppServices, organization: TestOrganization
) -> None:
    assert refusal(await small.post("/api/v1/crash", headers=KEY)) == (500, "internal_error")
    assert (await names(services, organization), seen.woken) == ([], [])
    assert (await small.post("/api/v1/crash", headers=KEY)).json() == {"calls": 2}
    assert (await names(services, organization), seen.woken) == (["lost"], ["lost"])


@pytest.mark.parametrize("path", ["/api/v1/several", "/api/v1/apart"])
async def test_an_answer_that_is_an_error_is_not_kept(path: str, small: httpx.AsyncClient, seen: Seen) -> None:
    seen.go.set()
    seen.status = 409
    assert (await small.post(path, headers=KEY)).status_code == 409
    seen.status = 200
    answer = await small.post(path, headers=KEY)
    assert (answer.status_code, answer.json(), "idempotent-replayed" in answer.headers) == (200, {"calls": 2}, False)


async def test_a_call_that_holds_no_transaction_is_in_flight_until_it_is_answered(
    small: httpx.AsyncClient, seen: Seen, services: AppServices, organization: TestOrganization
) -> None:
    running = asyncio.create_task(small.post("/api/v1/apart", headers=KEY))
    await eventually(lambda: seen.woken == ["first"])  # committed, although the call goes on
    assert refusal(await small.post("/api/v1/apart", headers=KEY)) == (409, "idempotency_in_flight")
    seen.go.set()
    first = await running
    again = await small.post("/api/v1/apart", headers=KEY)
    assert (again.content, again.headers["idempotent-replayed"], seen.calls) == (first.content, "true", 1)
    assert refusal(await small.post("/api/v1/apart", headers=KEY, json={"other": 1})) == (422, "idempotency_mismatch")
    assert await names(services, organization) == ["first", "second"]


async def test_a_refused_call_leaves_its_key_free(small: httpx.AsyncClient, seen: Seen) -> None:
    seen.go.set()
    seen.status = 422
    assert refusal(await small.post("/api/v1/apart", headers=KEY)) == (422, "validation_failed")
    seen.status = 201
    assert (await small.post("/api/v1/apart", headers=KEY)).status_code == 201


async def test_what_a_dead_process_claimed_is_free_when_the_claim_ends(
    small: httpx.AsyncClient, seen: Seen, services: AppServices, organization: TestOrganization
) -> None:
    running = asyncio.create_task(small.post("/api/v1/apart", headers=KEY))
    await eventually(lambda: seen.woken == ["first"])
    async with services.database.tenant(organization.id) as session:  # nobody renewed it for a minute
        await session.execute("UPDATE idempotency_key SET claimed_until = now()")
    taken_over = asyncio.create_task(small.post("/api/v1/apart", headers=KEY))
    await eventually(lambda: seen.calls == 2)
    seen.go.set()
    late, second = await running, await taken_over
    assert (late.json(), second.json()) == ({"calls": 2}, {"calls": 2})
    again = await small.post("/api/v1/apart", headers=KEY)
    assert (again.content, again.headers["idempotent-replayed"]) == (second.content, "true")


async def test_an_upload_is_read_as_it_comes_and_known_again(small: httpx.AsyncClient, seen: Seen) -> None:
    async def pieces(last: bytes) -> AsyncGenerator[bytes]:
        for piece in (b"a" * 1000, b"b" * 1000, last):
            yield piece

    async def send(last: bytes) -> httpx.Response:
        headers = {**KEY, "content-type": "text/csv"}
        return await small.post("/api/v1/upload", content=pieces(last), headers=headers)

    first, again, other = await send(b"c"), await send(b"c"), await send(b"d")
    assert seen.read[:3] == [1000, 1000, 1]
    assert (again.content, again.headers["idempotent-replayed"], seen.calls) == (first.content, "true", 1)
    assert refusal(other) == (422, "idempotency_mismatch")


async def test_a_form_with_another_boundary_is_the_same_upload(small: httpx.AsyncClient, seen: Seen) -> None:
    async def send(content: bytes) -> httpx.Response:
        return await small.post("/api/v1/upload", files={"file": ("a.csv", content, "text/csv")}, headers=KEY)

    first, again, other = (
        await send(b"email\na@b.com\n" * 5000),
        await send(b"email\na@b.com\n" * 5000),
        await send(b"x"),
    )
    assert (first.status_code, seen.read) == (200, [70_000])
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert refusal(other) == (422, "idempotency_mismatch")
