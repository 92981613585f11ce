"""Who may be retried: beginning again must not make two runs of somebody where there may be one."""

from collections.abc import Sequence

import orjson

from drippulse.enrollments import start_queries as sql
from drippulse.kit.db import Record, Session
from drippulse.workflows.settings import ReEntryMode, stored_settings


async def under_way(session: Session, organization_id: int, workflow_id: int, rows: Sequence[Record]) -> set[int]:
    """Of these failed runs, those whose contact has another run under way by now, where re-entry is `after_exit`.

    Of several of one contact only the first may go on. Nobody starts a run in the workflow until this transaction ends.
    """
    target = await session.fetchrow(sql.TARGET, organization_id, workflow_id)
    if target is None or stored_settings(orjson.loads(target["settings"])).re_entry.mode is not ReEntryMode.AFTER_EXIT:
        return set()
    await session.execute(sql.RE_ENTRY_ALL, sql.re_entry_name(organization_id, workflow_id))
    keys = {int(row["id"]): key for row in rows if (key := _key(row)) is not None}
    found = await session.fetch(sql.HISTORIES, organization_id, workflow_id, sorted(set(keys.values())))
    taken, refused = {row["key"] for row in found if row["live"]}, set[int]()
    for one, key in sorted(keys.items()):
        if key in taken:
            refused.add(one)
        taken.add(key)
    return refused


def _key(row: Record) -> str | None:
    """Who a stored run is for, as `HISTORIES` sees it."""
    return row["dedupe_key"] or row["lead_ref"] or row["email"].lower() or None
