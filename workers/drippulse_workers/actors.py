"""Actors, named `domain.verb`."""

from collections.abc import Callable

import dramatiq
from dramatiq import Actor, Broker

from drippulse_workers.broker import QUEUE

WAKE_ACTOR = "enrollments.wake"


def declare_wake(broker: Broker, on_wake: Callable[[], None]) -> Actor[[], None]:
    """The actor that tells this process's engine to look for due work; returns at once."""

    def wake() -> None:
        on_wake()

    return Actor(wake, broker=broker, actor_name=WAKE_ACTOR, queue_name=QUEUE, priority=0, options={})


def wake_message() -> dramatiq.Message[None]:
    return dramatiq.Message(queue_name=QUEUE, actor_name=WAKE_ACTOR, args=(), kwargs={}, options={})
