"""Examples of the explorer run one after the other, as a person does who clicks through them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

import httpx

from drippulse_graphql.explorer.all_examples import EXAMPLES
from drippulse_graphql.explorer.example import Answer, Example
from tests.support.graphql import raw_graphql

PATIENCE = 30.0


def value_at(data: Any, path: str) -> Any:
    """What stands at a dotted path; None where the path leads nowhere."""
    for part in path.split("."):
        if isinstance(data, list):
            data = {str(at): member for at, member in enumerate(cast("list[Any]", data))}
        data = cast("dict[str, Any]", data or {}).get(part)
    return data


def answers_in(value: Any) -> list[Answer]:
    """All that variables need of earlier examples."""
    if isinstance(value, Answer):
        return [value]
    parts: list[Any] = []
    if isinstance(value, Mapping):
        parts = [*cast("Mapping[str, Any]", value).values()]
    elif isinstance(value, list | tuple):
        parts = [*cast("list[Any]", value)]
    return [answer for part in parts for answer in answers_in(part)]


def sources_of(example: Example) -> list[Example]:
    """The examples whose answers it needs."""
    titles = {answer.answer_of for answer in answers_in(example.variables)}
    return [source for source in EXAMPLES if source.title in titles]


def complaints(answer: dict[str, Any]) -> list[Any]:
    """The errors, and the userErrors of every payload."""
    payloads: list[Any] = [*(answer.get("data") or {}).values()]
    return [*answer.get("errors", []), *chain.from_iterable(value_at(one, "userErrors") or [] for one in payloads)]


@dataclass
class Tab:
    """What the page remembers while it is open."""

    client: httpx.AsyncClient
    told: dict[str, Any] = field(default_factory=dict[str, Any])
    """The data of the last answer, by the example's title."""

    async def run_with_needs(self, example: Example) -> dict[str, Any]:
        """The whole answer, after those examples alone that it says it needs."""
        for source in sources_of(example):
            if source.title not in self.told:
                await self.run_with_needs(source)
        return await self.run(example)

    async def run(self, example: Example) -> dict[str, Any]:
        """The whole answer."""
        answer = await raw_graphql(self.client, example.query, **await self.variables(example))
        self.told[example.title] = answer.get("data")
        return answer

    async def variables(self, example: Example) -> dict[str, Any]:
        """With the answers that they need, which the engine may have to bring about first."""
        known = {answer: await self._known(answer) for answer in answers_in(example.variables)}
        return _filled(example.variables, known)

    async def _known(self, answer: Answer) -> Any:
        [source] = [one for one in EXAMPLES if one.title == answer.answer_of]
        async with asyncio.timeout(PATIENCE):
            while (value := value_at(self.told[source.title], answer.path)) is None:
                assert source.query.startswith("query"), f"{source.title} answered no {answer.path}"
                await asyncio.sleep(0.1)
                await self.run(source)
        return value


def _filled(value: Any, known: dict[Answer, Any]) -> Any:
    if isinstance(value, Answer):
        return known[value]
    if isinstance(value, Mapping):
        return {name: _filled(part, known) for name, part in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_filled(part, known) for part in cast("list[Any]", value)]
    return value
