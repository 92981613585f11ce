"""What a resolver may use: one per operation."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import strawberry
from graphql import DocumentNode
from strawberry.dataloader import DataLoader

from drippulse.kit.db import Session
from drippulse.kit.services import AppServices
from drippulse.organizations.policy import Principal

MAX_ROWS = 20_000
"""Rows below other rows (timelines, deliveries, ...) that one operation may read."""

K = TypeVar("K")
T = TypeVar("T")


class Context:
    """The caller, the open transaction, the validated document, and the data loaders of this operation."""

    def __init__(
        self, principal: Principal, session: Session | None, services: AppServices, document: DocumentNode
    ) -> None:
        self.principal = principal
        self._session = session
        self.services = services
        self.document = document
        self.rows_left = MAX_ROWS
        self._loaders: dict[object, DataLoader[Any, Any]] = {}

    @property
    def session(self) -> Session:
        """Raises RuntimeError in a mutation that runs apart, which opens transactions of its own."""
        if self._session is None:
            raise RuntimeError("this mutation runs apart from the transaction of its operation")
        return self._session

    @property
    def organization_id(self) -> int:
        return self.principal.organization_id

    def forget(self) -> None:
        """Something was written: what was loaded before does not count any more."""
        self._loaders.clear()

    def loader(self, load: "Callable[[Context, list[K]], Awaitable[Sequence[T]]]") -> DataLoader[K, T]:
        """The loader of this operation that asks `load` for many keys at once; it answers in their order."""
        found = self._loaders.get(load)
        if found is None:

            async def batch(keys: list[K]) -> Sequence[T]:
                return await load(self, keys)

            found = self._loaders[load] = DataLoader(load_fn=cast("Any", batch))
        return cast("DataLoader[K, T]", found)


Info: TypeAlias = strawberry.Info[Context, None]
