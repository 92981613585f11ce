"""How versions of workflows, and moves to them, are listed."""

from drippulse.kit.listing import Listing
from drippulse.workflows.publishing import queries

VERSIONS = Listing(queries.SORTS)
MOVES = Listing(queries.MOVE_SORTS)
