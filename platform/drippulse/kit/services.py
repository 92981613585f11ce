"""What the edges share in one process."""

from dataclasses import dataclass
from functools import cached_property

from redis.asyncio import Redis

from drippulse.enrollments.wake import Waker
from drippulse.events.feed import Feed
from drippulse.events.news import News
from drippulse.graphql_clients.documents.checking import DocumentCheck
from drippulse.graphql_clients.documents.trusted import TrustedDocuments
from drippulse.graphql_clients.usage.counting import GraphqlUsage
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
    check_document: DocumentCheck

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
    def news(self) -> News:
        return News.of(self.settings.redis_url)

    @cached_property
    def feed(self) -> Feed:
        return Feed(self.database, self.redis)

    @cached_property
    def notices(self) -> Notices:
        return Notices(self.settings)

    @cached_property
    def trusted_documents(self) -> TrustedDocuments:
        return TrustedDocuments(self.database)

    @cached_property
    def graphql_usage(self) -> GraphqlUsage:
        return GraphqlUsage(self.database, self.clock)
