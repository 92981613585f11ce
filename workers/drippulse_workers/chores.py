"""What the scheduler does over and over: one entry per chore, each safe to run twice at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drippulse.approvals.queries import tidy
from drippulse.crm.changes.queries import REVERTS_WAIT
from drippulse.crm.changes.reverting import revert_changesets
from drippulse.crm.duplicates.matching import MATCHES_WAIT, match_records
from drippulse.crm.importing.chores import IMPORTS_WAIT, look_after_imports
from drippulse.crm.tags.queries import TAG_CHANGES_WAIT
from drippulse.crm.tags.service import change_tags
from drippulse.data_sources.chores import DATA_SOURCES_WAIT, look_after_data_sources
from drippulse.enrollments.hold_change_queries import HOLD_CHANGES_WAIT
from drippulse.enrollments.hold_changes import forget_places, work_on_changes
from drippulse.enrollments.sweep import ensure_partitions, sweep
from drippulse.events.dispatcher import forget_stale
from drippulse.events.rounds import EVENTS_WAIT, events_round
from drippulse.kit.db import Database
from drippulse.kit.idempotency.service import forget_old
from drippulse.organizations.retention import forget_expired
from drippulse.sending.breaker import evaluate_all, forget_old_counts
from drippulse.settings import get_settings
from drippulse.stalls.watchdog import patience, watch
from drippulse.workflows.publishing.move_queries import MOVES_WAIT
from drippulse.workflows.publishing.moves import move_versions

Work = Callable[[Database], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Chore:
    """`work` says whether enrollments may be due now. `every` is in seconds; 0 means every round of the scheduler.

    A `long` one may have much to do: it keeps no other waiting, and goes on at once as long as it finds something.
    `asks` is a condition in SQL, true when there may be something to do: those of all chores are one statement, so that
    an idle installation is asked little.
    """

    name: str
    every: float
    work: Work
    long: bool = False
    asks: str | None = None


async def _partitions(database: Database) -> bool:
    await ensure_partitions(database)
    return False


async def _watchdog(database: Database) -> bool:
    await watch(database, patience(get_settings()))
    return False


async def _approvals(database: Database) -> bool:
    await tidy(database)
    return False


CHORES: tuple[Chore, ...] = (
    Chore("sweep", 0, sweep),
    Chore("partitions", 6 * 3600, _partitions),
    Chore("idempotency_keys", 3600, forget_old),
    Chore("events", 15, events_round, asks=EVENTS_WAIT),
    Chore("event_leftovers", 3600, forget_stale),
    Chore("version_moves", 15, move_versions, long=True, asks=MOVES_WAIT),
    Chore("changeset_reverts", 15, revert_changesets, long=True, asks=REVERTS_WAIT),
    Chore("tag_changes", 15, change_tags, long=True, asks=TAG_CHANGES_WAIT),
    Chore("hold_changes", 15, work_on_changes, long=True, asks=HOLD_CHANGES_WAIT),
    Chore("hold_places", 3600, forget_places),
    Chore("watchdog", 60, _watchdog),
    Chore("approvals", 600, _approvals),
    Chore("breakers", 60, evaluate_all),
    Chore("send_counts", 3600, forget_old_counts),
    Chore("record_matches", 15, match_records, long=True, asks=MATCHES_WAIT),
    Chore("imports", 15, look_after_imports, asks=IMPORTS_WAIT),
    Chore("data_sources", 15, look_after_data_sources, asks=DATA_SOURCES_WAIT),
    Chore("retention", 3600, forget_expired, long=True),
)
