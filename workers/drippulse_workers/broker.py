"""The Dramatiq broker on Redis."""

from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import ShutdownNotifications

from drippulse.settings import Settings

NAMESPACE = "drippulse"
QUEUE = "engine"


def create_broker(settings: Settings) -> RedisBroker:
    """A broker without retries, delays or results: messages are wake-ups, PostgreSQL holds the work."""
    return RedisBroker(
        url=settings.redis_url,
        namespace=NAMESPACE,
        middleware=[ShutdownNotifications()],
        socket_connect_timeout=2,
        socket_timeout=10,
    )
