"""The event types that the platform appends itself; clients cannot send them."""

_NAMES = {
    "workflow": "created updated published paused archived failed resumed deleted",
    "enrollment": "created step_completed completed failed cancelled paused resumed",
    "email": "sent delivered opened clicked bounced complained unsubscribed resend_ordered dismissed",
    "agent": "spawned execution_started execution_completed execution_failed",
    "approval": "requested decided",
    "lead": "created updated deleted scored converted merged",
    "contact": "created updated deleted merged",
    "account": "created updated deleted merged",
    "opportunity": "created updated deleted stage_changed merged",
    "activity": "created updated deleted",
    "report": "ready",
    "data_source_run": "completed failed",
    "connection": "needs_reauth",
}

RESERVED = frozenset({"ping", *(f"{record}.{name}" for record, names in _NAMES.items() for name in names.split())})

RECORD_TYPES = frozenset({*_NAMES, "organization", "suppression", "event"})
"""What the log's entries are about: a record of one of these types, or the event itself that a client sent."""

OF_RUNS = "enrollment."
"""Events of this family say what became of runs; they have no key, so no step waits for them."""
