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


async def mutate(client: httpx.AsyncClient, name: str, shown: str = "", /, **said: Any) -> dict[str, Any]:
    """The payload of one mutation: its userErrors and whatever else is `shown`."""
    title = name[0].upper() + name[1:]
    errors = "userErrors { field code message details }"
    query = f"mutation ($input: {title}Input!) {{ {name}(input: $input) {{ {shown} {errors} }} }}"
    return (await graphql(client, query, input=said))[name]


async def done(client: httpx.AsyncClient, name: str, shown: str, /, **said: Any) -> Any:
    """What a mutation that must succeed answers: the value of the one field that is shown."""
    payload = await mutate(client, name, shown, **said)
    assert payload.pop("userErrors") == [], payload
    [value] = payload.values()
    return value


async def refused(client: httpx.AsyncClient, name: str, /, **said: Any) -> list[tuple[str | None, str]]:
    """Field and code of each userError of a mutation."""
    return [(error["field"], error["code"]) for error in (await mutate(client, name, **said))["userErrors"]]
