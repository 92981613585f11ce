"""Publishing in a `World`, as the edge does it."""

from collections.abc import Mapping
from typing import Any

from drippulse.kit.crypto import LinkSigner, Vault
from drippulse.workflows.publishing import drafts, preview, service
from drippulse.workflows.publishing.schemas import DraftIn, PreviewIn, PublishIn
from tests.support.world import World


class SilentWaker:
    """Nobody has to be woken: tests drain the engine themselves."""

    async def wake(self) -> None:
        pass


async def save_draft(world: World, workflow_id: int, *steps: Mapping[str, Any]) -> dict[str, Any]:
    """Over whatever draft there is."""
    data = DraftIn.model_validate({"steps": list(steps)})
    async with world.database.tenant(world.organization_id) as session:
        vault = Vault.of(world.settings)
        return await drafts.save_draft(session, world.principal, vault, workflow_id, data, drafts.ANY_REVISION)


async def look(world: World, workflow_id: int, strategy: str, **step_map: str | None) -> dict[str, Any]:
    data = PreviewIn.model_validate({"strategy": strategy, "step_map": step_map})
    signer = LinkSigner(world.settings)
    async with world.database.tenant(world.organization_id) as session:
        return await preview.preview(session, world.principal, Vault.of(world.settings), signer, workflow_id, data)


async def confirm(world: World, workflow_id: int, token: str) -> dict[str, Any]:
    data = PublishIn.model_validate({"confirm_token": token})
    vault, signer = Vault.of(world.settings), LinkSigner(world.settings)
    async with world.database.tenant(world.organization_id) as session:
        return await service.publish(session, world.principal, vault, signer, SilentWaker(), workflow_id, data)


async def publish(
    world: World, workflow_id: int, strategy: str, *steps: Mapping[str, Any], **step_map: str | None
) -> dict[str, Any]:
    """Draft, preview and confirmation in one."""
    await save_draft(world, workflow_id, *steps)
    seen = await look(world, workflow_id, strategy, **step_map)
    return await confirm(world, workflow_id, seen["confirm_token"])
