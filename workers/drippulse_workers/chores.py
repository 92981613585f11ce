"""What the scheduler does over and over: one entry per chore, each safe to run twice at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from drippulse.approvals.queries import tidy
from drippulse.crm.changes.reverting import revert_changesets
from drippulse.crm.importing.chores import look_after_imports
from drippulse.enrollments.hold_changes import forget_places, work_on_changes
from drippulse.enrollments.sweep import ensure_partitions, sweep
from drippulse.events.dispatcher import forget_stale
from drippulse.events.rounds import events_round
from drippulse.kit.db import Database
from drippulse.kit.idempotency.service import forget_old
from drippulse.organizations.retention import forget_expired
from drippulse.sending.breaker import evaluate_all, forget_old_counts
from drippulse.settings import get_settings
from drippulse.stalls.watchdog import patience, watch
from drippulse.workflows.publishing.moves import move_versions

Work = Callable[[Database], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Chore:
    """`work` says whether enrollments may be due now. `every` is in seconds; 0 means every round of the scheduler.

    A `long` one may have much to do: it keeps no other waiting, and goes on at once as long as it finds something.
    """

    name: str
    every: float
    work: Work
    long: bool = False


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
    Chore("events", 15, events_round),
    Chore("event_leftovers", 3600, forget_stale),
    Chore("version_moves", 30, move_versions, long=True),
    Chore("changeset_reverts", 15, revert_changesets, long=True),
    Chore("hold_changes", 15, work_on_changes, long=True),
    Chore("hold_places", 3600, forget_places),
    Chore("watchdog", 60, _watchdog),
    Chore("approvals", 600, _approvals),
    Chore("breakers", 60, evaluate_all),
    Chore("send_counts", 3600, forget_old_counts),
    Chore("imports", 30, look_after_imports),
    Chore("retention", 3600, forget_expired, long=True),
)
