"""What the edges share in one process."""

from dataclasses import dataclass

from redis.asyncio import Redis

from drippulse.enrollments.wake import Waker
from drippulse.kit.clock import Clock
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.organizations.authentication import Authenticator
from drippulse.settings import Settings


@dataclass(frozen=True, slots=True)
class AppServices:
    """Built once by the composition root and handed to every edge."""

    settings: Settings
    database: Database
    authenticator: Authenticator
    redis: Redis
    waker: Waker
    vault: Vault
    clock: Clock
