"""Every example of the explorer, word for word and in order, on an instance that was just started."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from drippulse_graphql.explorer.all_examples import EXAMPLES
from drippulse_graphql.explorer.example import Example
from tests.support.event_stream import event_stream
from tests.support.explorer import Tab, complaints
from tests.support.stack import Stack, running_stack

STREAMED = [example for example in EXAMPLES if example.query.startswith("subscription")]
ANSWERED = [example for example in EXAMPLES if example not in STREAMED]


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("examples") / "data") as running:
        yield running


@pytest.fixture(scope="module")
async def tab(stack: Stack) -> AsyncGenerator[Tab]:
    """After every example that answers once; the failed ones are told all together."""
    async with stack.client() as client:
        tab = Tab(client)
        failed = [f"{one.title}: {wrong}" for one in ANSWERED if (wrong := complaints(await tab.run(one)))]
        assert failed == []
        yield tab


async def test_every_example_answers_without_errors(tab: Tab) -> None:
    assert set(tab.told) == {example.title for example in ANSWERED}


@pytest.mark.parametrize("example", STREAMED, ids=lambda example: example.title)
async def test_every_subscription_tells_what_happens(stack: Stack, tab: Tab, example: Example) -> None:
    variables = await tab.variables(example)
    async with event_stream(stack.url, stack.api_key, example.query, variables) as stream:
        waiting = asyncio.create_task(stream.value())
        for workflow in (await tab.client.get("/api/v1/workflows")).json()["workflows"]:
            contact = {"email": f"{workflow['id']}-{STREAMED.index(example)}@example.com", "first_name": "Alan"}
            path = f"/api/v1/workflows/{workflow['id']}/enrollments/bulk"
            assert (await tab.client.post(path, json={"contacts": [contact]})).status_code == 201
        assert (await waiting)["cursor"]
