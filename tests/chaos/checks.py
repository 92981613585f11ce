"""One check for each invariant: pure, over the evidence alone. Each yields a sentence for every violation."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from tests.chaos import check_effects as effects
from tests.chaos import check_progress as progress
from tests.chaos import check_records as records
from tests.chaos.evidence import Evidence

Check: TypeAlias = Callable[[Evidence], Iterable[str]]

CHECKS: Mapping[str, Check] = {
    "1 nobody lost": progress.nobody_lost,
    "2 order of steps": progress.order,
    "3 at most once": effects.at_most_once,
    "4 keyed once": effects.keyed_once,
    "5 at least once": effects.at_least_once,
    "6 never early": effects.never_early,
    "7 nothing after a stop": effects.nothing_after_a_stop,
    "8 tenants apart": effects.tenants_apart,
    "9 old fences": progress.old_fences,
    "10 one at a time": progress.one_at_a_time,
    "11 backlog drains": progress.backlog_drains,
    "12 promises kept": progress.promises_kept,
    "13 counters": progress.counters,
    "14 funnel and totals": records.funnel,
    "15 records once": records.written_once,
    "16 decided once": records.decided_once,
    "17 events once": records.events_once,
    "18 started once": records.started_once,
}


def violations(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """(check, sentence) of everything that does not hold."""
    for name, check in CHECKS.items():
        yield from ((name, sentence) for sentence in check(evidence))


def failing(evidence: Evidence) -> set[int]:
    """The numbers of the invariants that do not hold."""
    return {int(name.split(" ", 1)[0]) for name, _ in violations(evidence)}
