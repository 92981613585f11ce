"""How projects are listed."""

from drippulse.kit import filters
from drippulse.kit.listing import Listing
from drippulse.projects import queries

LISTING = Listing(
    sorts=queries.LIST.sorts,
    filters={
        "name": filters.text("Its name."),
        "archived": filters.boolean("Whether it is archived."),
        "created_at": filters.timestamp("When it was made."),
        "updated_at": filters.timestamp("When it was last changed."),
    },
    search="Names and descriptions.",
)
