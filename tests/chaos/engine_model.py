"""A plain model of the engine: what each enrollment may have done by now, in a few lines without a database.

Its workflow: start, mail a, an hour's wait, mail b, log, and a further log for each later version. Time is virtual, in
seconds: the machine that compares the two moves every stored time back instead of waiting.
"""

from dataclasses import dataclass, field

LEASE = 30
WAIT = 3600
LONGEST_CALL = 150
AT_FIRST, WAITING = 0, 1


@dataclass
class Person:
    """One enrollment. `hold` rises with everything that makes an earlier claim stale."""

    id: int
    version: int
    due_at: float
    stage: int = AT_FIRST
    status: str = "active"
    hold: int = 0
    lease_until: float | None = None
    intent: str | None = None
    intent_at: float = 0.0
    next_run_at: float = 0.0
    paused: bool = False
    suppressed: bool = False
    token: str = ""
    mails: list[str] = field(default_factory=list[str])
    entries: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def claimable(self, now: float) -> bool:
        return self.status == "active" and not self.paused and (self.lease_until or self.due_at) <= now

    def claim(self, now: float) -> int:
        self.hold += 1
        self.lease_until = now + LEASE
        return self.hold

    def release(self, due_at: float) -> None:
        self.hold += 1
        self.lease_until, self.due_at, self.next_run_at = None, due_at, due_at

    def work(self, token: int, now: float, crash: str | None) -> None:
        """What a worker does that holds `token`; `crash` is where its mail kills it: before or after."""
        if self.status != "active" or token != self.hold:
            return
        if self.intent is not None:
            self._go_on(self.intent, "unknown", now)
            return
        mail = "a" if self.stage == AT_FIRST else "b"
        begun = ("start", "completed") if self.stage == AT_FIRST else ("w", "completed")
        if self.suppressed:
            self.entries.append(begun)
            self._go_on(mail, "skipped", now)
            return
        if (self.lease_until or 0) <= now:
            return  # an intent needs a living lease
        self.entries.append(begun)
        self.hold += 1
        self.intent, self.intent_at, self.next_run_at, self.lease_until = mail, now, now, now + LEASE
        if crash != "before":
            self.mails.append(mail)
        if crash is None:
            self._go_on(mail, "completed", now)

    def _go_on(self, mail: str, status: str, now: float) -> None:
        self.entries.append((mail, status))
        self.intent = None
        if mail == "a":
            self.stage = WAITING
            self.release(now + WAIT)
            return
        self.entries += [("log", "completed"), *((f"more{n}", "completed") for n in range(1, self.version))]
        self.status = "completed"

    def pause(self) -> None:
        if self.status == "active" and not self.paused:
            self.paused = True
            self.hold += 1
            self.next_run_at = self.due_at if self.intent is None else self.next_run_at

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            self.lease_until = None
            self.due_at = self.next_run_at if self.intent is None else self.intent_at + LONGEST_CALL

    def remove(self) -> None:
        if self.status == "active":
            self.status = "cancelled"
            self.hold += 1
