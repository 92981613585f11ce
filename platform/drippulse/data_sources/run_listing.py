"""How runs of data sources are listed."""

from drippulse.data_sources.run_queries import SORTS
from drippulse.data_sources.tables import RunStatus, RunTrigger
from drippulse.kit.filters import choice, integer, timestamp
from drippulse.kit.listing import Listing

LISTING = Listing(
    SORTS,
    {
        "data_source_id": integer("Only runs of this source."),
        "status": choice(RunStatus, "Only runs of this status."),
        "trigger": choice(RunTrigger, "What started it."),
        "created_at": timestamp("When it was started."),
    },
    full_limit=500,
)
