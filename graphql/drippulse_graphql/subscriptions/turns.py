"""What a client may rely on: a query behind a subscription, on one connection, is run once that has begun."""

import asyncio


class Turn:
    """Of one operation. It is `over` once it has begun, or will not begin."""

    __slots__ = ("_begun", "_turns", "earlier")

    def __init__(self, turns: "Turns", earlier: tuple["asyncio.Future[None]", ...]) -> None:
        self._turns = turns
        self._begun: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        self.earlier = earlier
        turns.waited_for.append(self._begun)

    def over(self, _: object = None) -> None:
        begun, self._begun, self.earlier = self._begun, None, ()
        if begun is not None:
            self._turns.waited_for.remove(begun)
            begun.set_result(None)

    async def wait(self) -> None:
        """Until what was sent before has begun. Who waits has no beginning that others wait for."""
        earlier = self.earlier
        self.over()
        if earlier:
            await asyncio.wait(earlier)


class Turns:
    """Of one connection, in the order in which its operations came."""

    __slots__ = ("waited_for",)

    def __init__(self) -> None:
        self.waited_for: list[asyncio.Future[None]] = []

    def next(self) -> Turn:
        return Turn(self, tuple(self.waited_for))
