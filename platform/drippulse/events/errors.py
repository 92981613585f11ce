"""Errors of events that clients send."""

from drippulse.kit.errors import ValidationError


class ReservedEventTypeError(ValidationError):
    """The type is one that this platform appends itself."""

    code = "reserved_event_type"


class NoEventsAcceptedError(ValidationError):
    """Every event of a batch was invalid; nothing is stored."""

    code = "no_events_accepted"
