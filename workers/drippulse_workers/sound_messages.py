"""What lies in the queue and is no message is thrown away.

Dramatiq's consumer ends over it, is started again 3 s later, and leaves it to the next worker.
"""

from collections.abc import Iterable
from typing import cast

import structlog
from dramatiq import Consumer, Message, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.encoder import JSONEncoder, MessageData
from dramatiq.errors import DecodeError

TEXTS = ("queue_name", "actor_name", "message_id")

log = structlog.get_logger(__name__)


class SoundEncoder(JSONEncoder):
    """Decodes only what a consumer can hand on and acknowledge."""

    def decode(self, data: bytes) -> MessageData:
        fields = super().decode(data)
        if not all(isinstance(text, str) for text in (*(fields[name] for name in TEXTS), _number(fields))):
            raise ValueError("the message lacks what it is known by")
        return fields


class SoundBroker(RedisBroker):
    """Its consumers pass over what cannot be decoded."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        return _SoundConsumer(self, super().consume(queue_name, prefetch, timeout), queue_name)

    def drop_unsound(self, queue_name: str) -> None:
        """Of what this process has taken from the queue, remove what is no message."""
        contents = f"{self.namespace}:{queue_name}.msgs"
        taken = self.client.smembers(f"{self.namespace}:__acks__.{self.broker_id}.{queue_name}")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - redis types its commands for both of its clients
        for number in cast("set[str]", taken):  # bytes in fact, which every command takes as they are
            data = cast("bytes | None", self.client.hget(contents, number))  # pyright: ignore[reportUnknownMemberType] - the same
            if data is None or not _is_sound(data):
                log.warning("queue_message_dropped", queue=queue_name, content=repr(data)[:200])
                self.do_ack(queue_name, number)  # pyright: ignore[reportUnknownMemberType] - made by dramatiq's __getattr__


class _SoundConsumer(Consumer):
    def __init__(self, broker: SoundBroker, consumer: Consumer, queue_name: str) -> None:
        self._broker = broker
        self._consumer = consumer
        self._queue_name = queue_name

    def __next__(self) -> MessageProxy | None:
        try:
            return next(self._consumer)
        except DecodeError:
            self._broker.drop_unsound(self._queue_name)
            return None

    def ack(self, message: MessageProxy) -> None:
        self._consumer.ack(message)

    def nack(self, message: MessageProxy) -> None:
        self._consumer.nack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        self._consumer.requeue(messages)

    def close(self) -> None:
        self._consumer.close()


def _number(fields: MessageData) -> object:
    """What Redis knows it by."""
    return fields["options"]["redis_message_id"]


def _is_sound(data: bytes) -> bool:
    try:
        Message.decode(data)  # pyright: ignore[reportUnknownMemberType] - dramatiq leaves Message's result type open
    except DecodeError:
        return False
    return True
