"""Closing a server of a test."""

import asyncio

ROUNDS = 10


async def stop_listening(server: asyncio.Server) -> None:
    """Close it with nobody at the door: Python 3.11 never lets go who is being let in meanwhile."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(ROUNDS):
        await asyncio.sleep(0)
    server.close()
