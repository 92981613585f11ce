"""What the scheduler does for imports."""

from datetime import timedelta
from typing import Final

from drippulse.crm.importing import queries
from drippulse.kit.db import Database, Role

PATIENCE: Final = timedelta(hours=24)
"""How long an upload may take."""
IMPORTS_WAIT: Final = f"""EXISTS (SELECT FROM record_import i WHERE {queries.CLAIMABLE}
  OR i.status = 'uploading' AND i.updated_at < now() - interval '{PATIENCE.total_seconds()} s')"""


async def look_after_imports(database: Database) -> bool:
    """Give up uploads that broke off; whether an import waits for a worker."""
    async with database.session(Role.ENGINE) as session:
        await queries.give_up_uploads(session, PATIENCE)
        return await queries.anything_to_do(session)
