"""The database and the two login roles that every embedded PostgreSQL has before migrations run."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor

import asyncpg

DATABASE = "drippulse"
OWNER = "drippulse_owner"
LOGIN = "drippulse_login"


def ensure_roles(superuser_url: str, owner_password: str, login_password: str) -> None:
    """Makes the database `drippulse` and its roles where they are absent; works inside a running event loop too.

    `drippulse_owner` owns the database and may create roles; `drippulse_login` can do nothing but log in until the
    migrations grant it the application's roles, and inherits nothing.

    Args:
        superuser_url: any database of the server.
        owner_password: hexadecimal.
        login_password: hexadecimal.
    """
    _in_thread(lambda: _ensure(superuser_url, owner_password, login_password))


def _in_thread(make: Callable[[], Coroutine[None, None, None]]) -> None:
    with ThreadPoolExecutor(1) as executor:
        executor.submit(lambda: asyncio.run(make())).result()


async def _ensure(superuser_url: str, owner_password: str, login_password: str) -> None:
    connection = await asyncpg.connect(superuser_url)
    try:
        rows = await connection.fetch("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", [OWNER, LOGIN])
        present = {row["rolname"] for row in rows}
        if OWNER not in present:
            await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{_hexadecimal(owner_password)}'")
        if LOGIN not in present:
            await connection.execute(f"CREATE ROLE {LOGIN} LOGIN NOINHERIT PASSWORD '{_hexadecimal(login_password)}'")
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    finally:
        await connection.close()


def _hexadecimal(password: str) -> str:
    return bytes.fromhex(password).hex()
