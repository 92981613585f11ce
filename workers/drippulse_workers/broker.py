"""The Dramatiq broker on Redis."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import ShutdownNotifications

from drippulse.settings import Settings
from drippulse_workers.sound_messages import SoundBroker, SoundEncoder

NAMESPACE = "drippulse"
QUEUE = "engine"


def create_broker(settings: Settings) -> RedisBroker:
    """A broker without retries, delays or results: messages are wake-ups, PostgreSQL holds the work."""
    dramatiq.set_encoder(SoundEncoder())
    return SoundBroker(
        url=settings.redis_url,
        namespace=NAMESPACE,
        middleware=[ShutdownNotifications()],
        socket_connect_timeout=2,
        socket_timeout=10,
    )
