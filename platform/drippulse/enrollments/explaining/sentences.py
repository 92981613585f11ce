"""Facts about a run as sentences for people. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drippulse.enrollments.presentation import Row
from drippulse.enrollments.tables import OUTCOME_UNKNOWN, RETRY, EnrollmentStatus, Hold
from drippulse.kit.clock import isoformat
from drippulse.sending.tables import QUIET_HOURS, STOPPED, WAIT_REASONS, Scope

HOLDS = {
    Hold.ENROLLMENT: "This run is paused.",
    Hold.STEP: "The step it stands on is paused.",
    Hold.WORKFLOW: "Its workflow is paused.",
    Hold.ORGANIZATION: "The whole organization is paused.",
}
LIFTED = {
    Hold.STEP: "The step it stands on was resumed",
    Hold.WORKFLOW: "Its workflow was resumed",
    Hold.ORGANIZATION: "The organization was resumed",
}
ITS_TURN = "and its runs are let go one after the other; this one has not had its turn yet."
RESUME = {
    Hold.ENROLLMENT: "POST …/enrollments/{id}/resume",
    Hold.STEP: "POST /workflows/{workflow}/steps/{step}/resume",
    Hold.WORKFLOW: "POST /workflows/{workflow}/resume",
    Hold.ORGANIZATION: "POST /organization/resume",
}
REASONS = {
    "wait": "It waits for its time",
    "wait_until": "It waits for its time",
    "send_window": "Its send window is closed",
    "wait_for_event": "It waits for an event",
    "approval": "It waits for an approval",
    "suppressions_changing": "An address is being put on the suppression list at this moment",
    "workflow_changing": "Somebody is pausing or resuming its workflow at this moment",
    OUTCOME_UNKNOWN: "It is not known whether the send went out, and somebody has to decide (resend or skip)",
    "secret_unreadable": "A worker could not read a secret of this workflow; its SECRET_KEY may be the wrong one",
    QUIET_HOURS: "Its mail is put off by the quiet hours of the sending policy",
    STOPPED: "The breaker on complaints and bounces has stopped all mail; POST /sending/reset_breaker lifts it",
    Scope.RAMP_UP.value: "Its mail is put off by the ramp-up of a new sender",
    f"cap:{Scope.ORGANIZATION}": "Its mail is put off: the organization's cap is reached",
    f"cap:{Scope.SENDER}": "Its mail is put off: the sender's cap is reached",
    f"cap:{Scope.RECIPIENT_DOMAIN}": "Its mail is put off: the cap of the recipient's domain is reached",
    f"cap:{Scope.CONTACT}": "Its mail is put off: the cap of mails to one contact, over all workflows, is reached",
}
EXACT = frozenset({"wait", "wait_until", "send_window"})


def holds(row: Row) -> list[dict[str, Any]]:
    """Each hold with a sentence and the call that lifts it."""
    found = [hold for hold in HOLDS if row["holds"] & hold]
    names = {"id": row["id"], "workflow": row["workflow_id"], "step": row["step_id"]}
    return [
        {"hold": str(hold.name).lower(), "sentence": _held(hold, row), "lifted_by": RESUME[hold].format(**names)}
        for hold in found
    ]


def _held(hold: Hold, row: Row) -> str:
    return f"{LIFTED[hold]}, {ITS_TURN}" if row["lifted"] & hold else HOLDS[hold]


def why_waiting(row: Row, error: Mapping[str, Any] | None, leased_until: datetime | None) -> str:
    """Why the run does not go on at this moment, or that it is about to."""
    status = EnrollmentStatus(row["status"])
    if status not in {EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED}:
        return _ended(row, status, error)
    held = [one["sentence"] for one in holds(row)]
    waits = _waits(row, error)
    if held:
        return " ".join([*held, waits and f"Apart from that: {waits}"]).strip()
    if waits:
        return waits
    if leased_until is not None:
        return f"A worker is at it; its lease ends at {isoformat(leased_until)}."
    return "It is due, and the next free worker takes it."


def _waits(row: Row, error: Mapping[str, Any] | None) -> str:
    reason, until, now = row["wait_reason"], row["next_run_at"], row["now"]
    if reason is None or (until is not None and until <= now):
        return ""
    if reason == RETRY and error:
        when = f" The next attempt is at {isoformat(until)}." if until else ""
        return f"Attempt {row['attempt']} failed: {sentence(error['message'])}{when}"
    return f"{REASONS.get(reason, f'It waits ({reason})')}{_ends(reason, until)}"


def _ends(reason: str, until: datetime | None) -> str:
    """A wait for a time ends then; one for somebody may end before; a mail that was put off is looked at again."""
    if until is None:
        return "; there is no time limit."
    if reason in WAIT_REASONS:
        return f". It is looked at again at {isoformat(until)}."
    return f", until {isoformat(until)}." if reason in EXACT else f", until {isoformat(until)} at the latest."


def next_send(step: Mapping[str, Any]) -> str:
    """When the next mail likely goes out, and what puts it off."""
    held = f" ({'; '.join(step['held_by'])})" if step["held_by"] else ""
    if step["sends_at"] is None:
        return f'When its next mail ("{step["name"]}") goes out cannot be told{held}.'
    return f'Its next mail ("{step["name"]}") likely goes out at {step["sends_at"]}{held}.'


def sentence(message: str) -> str:
    """With its full stop."""
    return message if message.endswith((".", "!", "?")) else f"{message}."


def _ended(row: Row, status: EnrollmentStatus, error: Mapping[str, Any] | None) -> str:
    at = f" at {isoformat(row['finished_at'])}" if row["finished_at"] else ""
    if status is EnrollmentStatus.FAILED and error:
        retry = f"POST …/enrollments/{row['id']}/retry"
        again = f"{retry} begins the step again."
        if row["exit_reason"]:
            again = f"It would have ended since ({row['exit_reason']}), so that {retry} ends it."
        return f"It failed{at}: {sentence(error['message'])} {again}"
    why = f" ({row['exit_reason']})" if row["exit_reason"] else ""
    return f"It {'was cancelled' if status is EnrollmentStatus.CANCELLED else 'completed'}{at}{why}."


def why_here(row: Row, step: str | None, led_by: Mapping[str, Any] | None) -> str:
    """Which step it is on, or ended on, since when, and what led there."""
    if step is None:
        return "It is past its last step."
    place, entered = f"step {row['current_step_index'] + 1} ({step})", isoformat(row["step_entered_at"])
    live = EnrollmentStatus(row["status"]) in {EnrollmentStatus.ACTIVE, EnrollmentStatus.PAUSED}
    since = f"It is on {place} since {entered}" if live else f"It ended on {place}, which it had reached at {entered}"
    if led_by is None:
        return f"{since}; that is where it began."
    logs = "; ".join(led_by["logs"])
    came = f"it came from step {led_by['step_index'] + 1} ({led_by['name']}), which was {led_by['status']}"
    return f"{since}; {came}: {logs}." if logs else f"{since}; {came}."


def path(entries: list[dict[str, Any]]) -> str:
    """How a run came to a step: the steps before it, each with what it decided."""
    return " → ".join(_stop(entry) for entry in entries)


def _stop(entry: Mapping[str, Any]) -> str:
    logs = "; ".join(entry["logs"]) if entry["type"] in {"filter", "branch", "score", "ab_test"} else ""
    return f"{entry['name']} ({logs})" if logs else str(entry["name"])
