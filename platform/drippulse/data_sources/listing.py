"""How data sources are listed."""

from drippulse.crm.tables import RecordType
from drippulse.data_sources import queries
from drippulse.data_sources.tables import SourceStatus, SourceType
from drippulse.kit.filters import choice, text, timestamp
from drippulse.kit.listing import Listing

LISTING = Listing(
    queries.LIST.sorts,
    {
        "name": text("The name."),
        "type": choice(SourceType, "Only sources of this type."),
        "record_type": choice(RecordType, "Only sources of these records."),
        "status": choice(SourceStatus, "Only sources of this status."),
        "created_at": timestamp("When it was made."),
    },
    search="Names.",
)
