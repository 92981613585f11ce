"""What tests of the `/v1` dialect start from."""

from typing import Any

import httpx

from drippulse.kit.public_ids import decode_id, encode_id

NODES: list[dict[str, Any]] = [
    {"id": "n1", "type": "delay", "delayAmount": 1, "delayUnit": "days", "nextNodeId": "n2"},
    {"id": "n2", "type": "exit", "reason": "done"},
]


async def made(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    """The answer of a POST that creates something."""
    response = await client.post(f"/v1/{path}", json=body)
    assert response.status_code == 201, response.text
    return response.json()


async def make_workflow(client: httpx.AsyncClient, *nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return await made(
        client, "workflows", **{"name": "Outreach", "status": "active", "nodes": nodes or NODES, **fields}
    )


async def make_contact(
    client: httpx.AsyncClient, email: str | None = "ada@example.com", **fields: Any
) -> dict[str, Any]:
    return await made(client, "contacts", **({"email": email} if email else {}), **fields)


async def make_template(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    texts = {"name": "Intro", "subject": "Hi {{ contact.firstName }}", "body": "About {{ vars.hook }}"}
    return await made(client, "templates", **{**texts, **fields})


class Ref(int):
    """A number that a path may ask for in the dialect's spelling: `{workflow:wf}`."""

    def __format__(self, prefix: str) -> str:
        return encode_id(prefix, self) if prefix else str(int(self))


def ref(shown: str) -> Ref:
    """The number behind an id such as con_…."""
    number = decode_id(shown.partition("_")[0], shown)
    assert number is not None, shown
    return Ref(number)
