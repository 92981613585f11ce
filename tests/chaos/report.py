"""What a run says at its end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from signal import Signals

from tests.chaos.check_progress import taken_over
from tests.chaos.checks import violations
from tests.chaos.evidence import Effect, Evidence
from tests.chaos.fleet import Life
from tests.chaos.presence import Span, presence


@dataclass
class Report:
    """Figures of one run; `broken` has (check, sentence) of every violation. Times are in seconds.

    `outages` are from when to when (seconds since 1970) PostgreSQL took no connections. Lateness and take-over are
    told as they were, and without the time in which nothing could be claimed: no PostgreSQL, or no worker up.
    """

    seed: int
    took: float
    kills: int
    faults: Mapping[str, int]
    actions: Mapping[str, int]
    exits: Sequence[str]
    evidence: Evidence
    lives: Sequence[Life]
    outages: Sequence[Span] = ()
    broken: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        self.broken = list(violations(self.evidence))

    def lines(self) -> Iterator[str]:
        evidence = self.evidence
        statuses = Counter(row.status for row in evidence.snapshot.enrollments)
        arrived = Counter(arrival.effect.value for arrival in evidence.arrivals)
        unknown = sum(entry.status == "unknown" for entry in evidence.snapshot.entries)
        broken = Counter(name for name, _ in self.broken)
        yield f"seed {self.seed}, {self.took:.0f} s, {self.kills} kills ({self.kills / self.took * 60:.0f} a minute)"
        killed = [life for life in self.workers if life.ended_by is Signals.SIGKILL]
        working = sum(life.ready_at is not None for life in killed)
        yield f"of {len(killed)} workers that were killed {working} were at work, the others were starting"
        yield f"faults: {_listed(self.faults)}"
        yield f"calls: {_listed(self.actions)}"
        yield f"enrollments accepted {len(evidence.promises.accepted)}, in the end: {_listed(statuses)}"
        failed = [row for row in evidence.snapshot.enrollments if row.status == "failed"]
        yield f"failed with: {_listed(Counter(row.error_code or 'no reason' for row in failed)) or 'none'}"
        yield f"effects arrived: {_listed(arrived)}; of unknown outcome {unknown}"
        yield f"lost {broken['1 nobody lost'] + broken['12 promises kept']}"
        yield f"duplicates: {', '.join(f'{effect} {self._doubled(effect)}' for effect in Effect)}"
        away = [end - start for start, end in self.outages]
        yield f"PostgreSQL away {_quantiles(away)}"
        yield from self._times("lateness of what was due", self.lateness())
        yield from self._times("taken over after a kill", self.recovery(Signals.SIGKILL))
        yield from self._times("handed over after SIGTERM", self.recovery(Signals.SIGTERM))
        yield f"processes that ended by themselves: {', '.join(self.exits) or 'none'}"
        yield f"violations: {_listed(broken) or 'none'}"
        yield from (f"  {name}: {sentence}" for name, sentence in self.broken[:40])

    def _doubled(self, effect: Effect) -> str:
        """More than one arrival (of a keyed effect: of its key) for a step visit; for the last class only counted."""
        visits = self.evidence.of(effect).values()
        if effect is Effect.KEYED:
            return str(sum(len({one.key for one in arrivals}) > 1 for arrivals in visits))
        number = sum(len(arrivals) > 1 for arrivals in visits)
        return f"{number} (same id, allowed)" if effect is Effect.AT_LEAST_ONCE else str(number)

    def _times(self, what: str, spans: Sequence[Span]) -> Iterator[str]:
        yield f"{what} {_quantiles([max(end - start, 0.0) for start, end in spans])}"
        there = presence((span for life in self.workers for span in life.at_work(self._now)), self.outages)
        yield f"  of it with PostgreSQL and a worker there {_quantiles([there.seconds(span) for span in spans])}"

    @property
    def workers(self) -> list[Life]:
        return [life for life in self.lives if life.slot.startswith("worker")]

    @property
    def _now(self) -> float:
        return self.evidence.snapshot.now.timestamp()

    def lateness(self) -> list[Span]:
        """From when it was due, and nothing held it any more, to the claim."""
        found: list[Span] = []
        for _, changes in self.evidence.histories():
            holder: str | None = None
            free_since = float("-inf")
            for change in changes:
                due, began = change.claimable_before, change.began.timestamp()
                if change.is_claim and holder is None and due is not None:
                    found.append((max(due.timestamp(), free_since), began))
                if due is None and change.claimable_at is not None:
                    free_since = began
                holder = change.holder_after(holder)
        return found

    def recovery(self, ended_by: Signals) -> list[Span]:
        """From the signal to the next claim of what the life held; after SIGTERM also to its own giving back."""
        ends = {life.name: life.ended_at for life in self.lives if life.ended_at and life.ended_by is ended_by}
        found = [span for _, changes in self.evidence.histories() for span in taken_over(changes, ends)]
        if ended_by is Signals.SIGTERM:
            given = [change for change in self.evidence.snapshot.changes if change.is_release and change.by in ends]
            spans = [(ends[change.by], change.began.timestamp()) for change in given]
            found += [span for span in spans if span[0] <= span[1]]  # before the signal it gives back for other reasons
        return found


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()) if number)


def _quantiles(values: Sequence[float]) -> str:
    if not values:
        return "never happened"
    ordered = sorted(values)
    p50, p99 = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.99))
    return f"p50 {p50:.3f} s, p99 {p99:.3f} s, longest {ordered[-1]:.3f} s ({len(ordered)} times)"
