"""What the edges share in one process."""

from dataclasses import dataclass
from functools import cached_property

from redis.asyncio import Redis

from drippulse.enrollments.wake import Waker
from drippulse.kit.client_address import Network, read_networks
from drippulse.kit.clock import Clock
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database
from drippulse.kit.rate_limits import RateLimiter
from drippulse.organizations.authentication import Authenticator
from drippulse.organizations.notices import Notices
from drippulse.settings import Settings
from drippulse.workflows.simulation.runner import Simulator


@dataclass(frozen=True)
class AppServices:
    """Built once by the composition root and handed to every edge."""

    settings: Settings
    database: Database
    authenticator: Authenticator
    redis: Redis
    waker: Waker
    vault: Vault
    clock: Clock

    @cached_property
    def trusted_proxies(self) -> tuple[Network, ...]:
        return read_networks(self.settings.trusted_proxies)

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        return RateLimiter(self.redis, self.settings.rate_limit)

    @cached_property
    def simulator(self) -> Simulator:
        return Simulator(self.redis)

    @cached_property
    def notices(self) -> Notices:
        return Notices(self.settings)
