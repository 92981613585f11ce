"""Speaking GraphQL over HTTP to the application."""

from typing import Any

import httpx


async def graphql(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The data of an operation that must succeed."""
    answer = await raw_graphql(client, query, **variables)
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


async def raw_graphql(client: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The whole answer."""
    response = await client.post("/graphql", json={"query": query, "variables": variables})
    return response.json()


async def error_code(client: httpx.AsyncClient, query: str, **variables: Any) -> str:
    """`extensions.code` of the first error of an operation that must fail."""
    answer = await raw_graphql(client, query, **variables)
    return answer["errors"][0]["extensions"]["code"]
