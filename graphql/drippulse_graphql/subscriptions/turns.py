"""What a client may rely on: a query behind a subscription, on one connection, is run once that has begun."""

import asyncio


class Turn:
    """Of one operation of a connection. It is `over` once it has begun, or will not begin.

    Args:
        beginning: what the connection's operations have not begun yet, in the order in which they came; kept by turns.
    """

    __slots__ = ("_beginning", "_begun", "_earlier")

    def __init__(self, beginning: list["asyncio.Future[None]"]) -> None:
        self._beginning = beginning
        self._earlier = tuple(beginning)
        self._begun: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        beginning.append(self._begun)

    def over(self, _: object = None) -> None:
        begun, self._begun, self._earlier = self._begun, None, ()
        if begun is not None:
            self._beginning.remove(begun)
            begun.set_result(None)

    async def wait(self) -> None:
        """Until what was sent before has begun. Who waits has no beginning that others wait for."""
        earlier = self._earlier
        self.over()
        if earlier:
            await asyncio.wait(earlier)
