"""Timeline entries that no engine wrote."""

from drippulse.kit.db import Session

INSERT = """INSERT INTO enrollment_walk (organization_id, enrollment_id, workflow_id, workflow_version, entries)
SELECT organization_id, id, workflow_id, workflow_version, {entries} FROM enrollment WHERE id = ANY ($1)"""


async def write_timeline(session: Session, enrollment_ids: list[int], entries: str) -> None:
    """`entries` is SQL for a value of `EnrollmentWalk.entries`; the same one for each enrollment."""
    await session.execute(INSERT.format(entries=entries), enrollment_ids)
