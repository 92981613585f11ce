"""How connections are listed."""

from drippulse.integrations import queries, service
from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.filters import choice, text, timestamp
from drippulse.kit.listing import Listing

LISTING = Listing(
    queries.SORTS,
    {
        "provider": text("Only this provider's; an alias will do.", read=service.require_provider),
        "connection_key": text("Only those with this key."),
        "status": choice(ConnectionStatus, "Only connections of this status."),
        "created_at": timestamp("When it was stored."),
        "updated_at": timestamp("When it was changed."),
    },
    search=True,
)
