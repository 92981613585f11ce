"""Every example of the explorer on an organization of its own, after those alone that it says it needs."""

import httpx
import pytest

from drippulse_graphql.explorer.all_examples import EXAMPLES
from drippulse_graphql.explorer.example import Example
from drippulse_graphql.explorer.examples.approvals import APPROVE
from tests.support.explorer import Tab, complaints

ANSWERED = [example for example in EXAMPLES if not example.query.startswith("subscription")]
WITHOUT_ENGINE = [example for example in ANSWERED if example is not APPROVE]
"""An approval needs a run that came to its step; the end-to-end test has an engine."""


@pytest.mark.parametrize("example", WITHOUT_ENGINE, ids=lambda example: example.title)
async def test_an_example_needs_no_more_than_it_says(client: httpx.AsyncClient, example: Example) -> None:
    assert complaints(await Tab(client).run_with_needs(example)) == []
