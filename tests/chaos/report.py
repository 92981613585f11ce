"""What a run says at its end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from signal import Signals

from tests.chaos.check_progress import taken_over
from tests.chaos.checks import violations
from tests.chaos.evidence import Effect, Evidence
from tests.chaos.fleet import Life


@dataclass
class Report:
    """Figures of one run; `broken` has (check, sentence) of every violation. Times are in seconds."""

    seed: int
    took: float
    kills: int
    faults: Mapping[str, int]
    actions: Mapping[str, int]
    exits: Sequence[str]
    evidence: Evidence
    lives: Sequence[Life]
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
        yield f"faults: {_listed(self.faults)}"
        yield f"calls: {_listed(self.actions)}"
        yield f"enrollments accepted {len(evidence.promises.accepted)}, in the end: {_listed(statuses)}"
        failed = [row for row in evidence.snapshot.enrollments if row.status == "failed"]
        yield f"failed with: {_listed(Counter(row.error_code or 'no reason' for row in failed)) or 'none'}"
        yield f"effects arrived: {_listed(arrived)}; of unknown outcome {unknown}"
        yield f"lost {broken['1 nobody lost'] + broken['12 promises kept']}"
        yield f"duplicates: {', '.join(f'{effect} {self._doubled(effect)}' for effect in Effect)}"
        yield f"lateness of what was due {_quantiles(self.lateness())}"
        yield f"taken over after a kill {_quantiles(self.recovery(Signals.SIGKILL))}"
        yield f"handed over after SIGTERM {_quantiles(self.recovery(Signals.SIGTERM))}"
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

    def lateness(self) -> list[float]:
        found: list[float] = []
        for _, changes in self.evidence.histories():
            holder: str | None = None
            for change in changes:
                if change.is_claim and holder is None and change.claimable_before is not None:
                    found.append((change.began - change.claimable_before).total_seconds())
                holder = change.holder_after(holder)
        return found

    def recovery(self, ended_by: Signals) -> list[float]:
        """From the signal to the next claim of what the life held; after SIGTERM also to its own giving back."""
        ends = {life.name: life.ended_at for life in self.lives if life.ended_at and life.ended_by is ended_by}
        found = [seconds for _, changes in self.evidence.histories() for seconds in taken_over(changes, ends)]
        if ended_by is Signals.SIGTERM:
            given = [change for change in self.evidence.snapshot.changes if change.is_release and change.by in ends]
            seconds = [change.began.timestamp() - ends[change.by] for change in given]
            found += [each for each in seconds if each >= 0]  # before the signal it gives back for other reasons
        return found


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()) if number)


def _quantiles(values: Sequence[float]) -> str:
    if not values:
        return "never happened"
    ordered = sorted(values)
    p50, p99 = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.99))
    return f"p50 {p50:.3f} s, p99 {p99:.3f} s, longest {ordered[-1]:.3f} s ({len(ordered)} times)"
