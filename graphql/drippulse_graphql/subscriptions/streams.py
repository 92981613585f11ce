"""Opening subscriptions: the way an operation comes in, whichever transport brings it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType

from drippulse.events.log_position import LogPosition
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal
from drippulse.organizations.standing import Credential, credential_of
from drippulse_graphql.execution import Executor
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.documents import Documents
from drippulse_graphql.kit.errors import execution_errors
from drippulse_graphql.kit.http import Operation
from drippulse_graphql.kit.trusted import running, trusted
from drippulse_graphql.kit.usage import UsageOfOperations
from drippulse_graphql.subscriptions.channel import Channel, Shared
from drippulse_graphql.subscriptions.core import source_stream
from drippulse_graphql.subscriptions.errors import RefusedError
from drippulse_graphql.subscriptions.groups import Asked
from drippulse_graphql.subscriptions.limits import USUAL, Limits
from drippulse_graphql.subscriptions.source import Source
from drippulse_graphql.subscriptions.subscriber import Subscriber
from drippulse_graphql.subscriptions.wards import Wards

STOP_SECONDS = 3.0


class Streams:
    """The subscriptions of one process."""

    def __init__(
        self,
        schema: GraphQLSchema,
        documents: Documents,
        executor: Executor,
        usage: UsageOfOperations,
        services: AppServices,
        limits: Limits = USUAL,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._executor = executor
        self._usage = usage
        self._services = services
        self.limits = limits
        self.wards = Wards(services.database)
        self._shared = Shared(services, schema, services.feed, self.wards)
        self._channels: dict[int, Channel] = {}
        services.feed.on_close(self.stop)

    def __len__(self) -> int:
        """Subscriptions that are open."""
        return sum(len(channel) for channel in self._channels.values())

    @property
    def begun(self) -> int:
        """Of those open: that hear of whatever is committed from now on."""
        return sum(one.begun for channel in self._channels.values() for one in channel.subscribers)

    @property
    def channels(self) -> int:
        """Organizations that have some."""
        return len(self._channels)

    def open_of(self, organization_id: int) -> int:
        channel = self._channels.get(organization_id)
        return 0 if channel is None else len(channel)

    async def principal(self, token: str, state: Any) -> tuple[Principal, Credential]:
        """Raises InvalidTokenError, RateLimitedError."""
        caller = await self._services.authenticator.principal(token)
        await self.count(caller, state)
        return caller, credential_of(token, caller, self._services.settings)

    async def count(self, caller: Principal, state: Any) -> None:
        """One more request of this credential. Raises RateLimitedError."""
        await self._services.rate_limiter.count(caller.credential, caller.rate_limit, state)

    async def answer(
        self,
        principal: Principal,
        operation: Operation,
        headers: Mapping[str, str],
        after: LogPosition | None = None,
        *,
        read_only: bool = False,
        before_once: Callable[[], Awaitable[None]] | None = None,
    ) -> Subscriber | bytes:
        """A subscription, which the caller has to close, or the result of an operation that answers once.

        Args:
            after: where to go on, instead of what the operation says.
            read_only: it came in a way that may not change anything.
            before_once: awaited before an operation that answers once.

        Raises:
            DomainError, RefusedError: it was not begun.
        """
        runs = running(principal.organization_id, operation)
        operation = await trusted(self._services.trusted_documents, principal.organization_id, operation)
        document, kind = self._documents.prepare(operation.query, operation.operation_name, operation.variables)
        if kind is not OperationType.SUBSCRIPTION:
            if before_once is not None:
                await before_once()
            answer = await self._executor.execute(principal, operation, read_only=read_only)
            if not answer.begun:
                raise RefusedError(answer.errors)
            self._usage.count(principal.organization_id, headers, operation)
            return answer.result()
        self.limits.one_more_subscription(self.open_of(principal.organization_id))
        async with self._services.database.tenant(principal.organization_id) as session:
            context = Context(principal, session, self._services, document)
            source = await self._source(context, operation)
        self.limits.one_more_subscription(self.open_of(principal.organization_id))  # others came meanwhile
        asked = Asked(principal, operation, document, source.wanted, runs)
        subscriber = self._channel(principal.organization_id).add(asked, after or source.after)
        try:
            await subscriber.begin()
            self._usage.count(principal.organization_id, headers, operation)
        except BaseException:
            subscriber.close()
            raise
        return subscriber

    async def _source(self, context: Context, operation: Operation) -> Source:
        """Let the field check its permission and read its arguments."""
        found = await source_stream(self._schema, context.document, context, operation)
        if isinstance(found, list):
            raise RefusedError(execution_errors(cast("list[GraphQLError]", found)))
        if isinstance(found, ExecutionResult):
            raise RefusedError(execution_errors(found.errors or ()))
        return found

    def _channel(self, organization_id: int) -> Channel:
        channel = self._channels.get(organization_id)
        if channel is None:

            def forget() -> None:
                if self._channels.get(organization_id) is channel:
                    del self._channels[organization_id]

            channel = self._channels[organization_id] = Channel(self._shared, organization_id, forget)
        return channel

    async def stop(self) -> None:
        """End all, and whatever is opened from now on; returns once clients know, or do not listen."""
        await self.wards.stop(STOP_SECONDS)
