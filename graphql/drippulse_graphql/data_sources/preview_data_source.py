"""The mutation `previewDataSource`."""

from typing import Any

from drippulse.data_sources.preview import preview_source
from drippulse.data_sources.schemas import PreviewInput, SourcePreview
from drippulse.organizations.policy import Permission
from drippulse_graphql.data_sources.answers import DATA_SOURCE
from drippulse_graphql.kit.mutations import mutation
from drippulse_graphql.kit.running import Call


@mutation(Permission.WRITE, about=DATA_SOURCE, body=PreviewInput, answers=SourcePreview, called="preview", apart=True)
async def preview_data_source(call: Call[PreviewInput]) -> Any:
    """Reads the first rows and shows what would become of them, with what is wrong; nothing is stored. It takes 30
    seconds at most."""
    services = call.services
    return await preview_source(
        services.settings, services.database, services.vault, call.principal, call.id, call.body.rows
    )
