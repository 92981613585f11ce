"""The mutations of this feature."""

from drippulse_graphql.events.send_event import send_event
from drippulse_graphql.events.send_events import send_events
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (
    send_event,
    send_events,
)
