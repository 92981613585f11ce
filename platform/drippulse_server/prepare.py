"""Migrations and the first organization, run by `up` as `python -m drippulse_server.prepare`.

A process of its own, so that what only the start needs (the migration runner, password hashing) does not stay in the
memory of `up`. Standard output is one JSON object: the first credentials by variable, empty when there were some.
"""

import asyncio
import json
import sys

from drippulse.kit.errors import DomainError
from drippulse.settings import Settings


async def prepare(settings: Settings) -> dict[str, str]:
    """Brings the database up to date and makes the first organization, admin and API key where there is none."""
    from drippulse.migrations.run import migrate
    from drippulse.organizations.bootstrap import ensure_first_organization

    await migrate(settings)
    first = await ensure_first_organization(settings)
    if first is None:
        return {}
    return {
        "DRIPPULSE_API_KEY": first.api_key,
        "DRIPPULSE_ADMIN_USERNAME": first.username,
        "DRIPPULSE_ADMIN_PASSWORD": first.password,
    }


def main() -> int:
    try:
        sys.stdout.write(json.dumps(asyncio.run(prepare(Settings()))) + "\n")
    except DomainError as error:
        sys.stderr.write(error.message + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
