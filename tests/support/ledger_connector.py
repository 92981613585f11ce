"""A connector with an idempotency key, offered to processes as any other: by a package with an entry point."""

import os
from pathlib import Path

from drippulse_connector_sdk import (
    ActionCall,
    ActionInput,
    ActionOutput,
    ApiKey,
    Connector,
    Idempotency,
    action,
    raise_for_status,
)

NAME = "chaosledger"
CALL_SECONDS = 1.5


class DoInput(ActionInput):
    text: str


class DoOutput(ActionOutput):
    done: bool


class LedgerConnector(Connector):
    """One action whose repetition the provider recognizes."""

    key = NAME
    name = "Ledger"
    description = "A provider for tests that keeps a ledger."
    base_url = "https://api.ledger.invalid"
    auth = ApiKey(header="X-Ledger-Key")

    @action(name="do", title="Do", description="Does it.", idempotency=Idempotency.KEYED)
    async def do(self, call: ActionCall, data: DoInput) -> DoOutput:
        headers = self.auth.headers(self.credentials) | {"Idempotency-Key": call.idempotency_key or ""}
        response = await self.send(
            call, "POST", self.url("/do"), headers=headers, json=data.model_dump(), timeout=CALL_SECONDS
        )
        raise_for_status(response, repeatable=call.repeatable)
        return DoOutput(done=True)

    async def check(self, call: ActionCall) -> None:
        await self.send(call, "POST", self.url("/check"))


def offer(folder: Path) -> str:
    """Put a package of this connector into `folder`; what PYTHONPATH has to be for a process to find it."""
    package = folder / f"drippulse_connector_{NAME}-0.1.dist-info"
    package.mkdir(parents=True, exist_ok=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: drippulse-connector-{NAME}\nVersion: 0.1\n")
    (package / "entry_points.txt").write_text(
        f"[drippulse.connectors]\n{NAME} = tests.support.ledger_connector:LedgerConnector\n"
    )
    paths = (str(folder), str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    return os.pathsep.join(filter(None, paths))
