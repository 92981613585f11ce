"""The lists of an organization's own affairs (keys, members, audit log, projects), each from one declaration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Columns, where
from drippulse.kit.pagination import ListRequest, Sort, listed, tail
from drippulse.workflows.queries import like


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a list come from.

    Args:
        name: the plural that the answer has them under.
        columns: what is selected.
        source: `FROM ... WHERE <alias>.organization_id = $1`, with whatever always holds.
        key: the id column, newest last.
        searched: the expression that `q` looks into.
    """

    name: str
    columns: str
    source: str
    key: str
    sorts: Mapping[str, str | Sort]
    filters: Columns
    searched: str = ""


async def read_list(
    session: Session, organization_id: int, source: Source, wanted: ListRequest, present: Callable[[Record], Any]
) -> dict[str, Any]:
    """`{<plural>, total_count}`, newest first; paginated answers also have `next_cursor`."""
    args: list[Any] = [organization_id]
    condition = source.source + where(wanted.filters, source.filters, args)
    if wanted.q and source.searched:
        args.append(like(wanted.q))
        condition += f" AND {source.searched} ILIKE ${len(args)}"
    counted = list(args)
    end = tail(wanted.page, source.sorts, source.key, args)
    rows = await session.fetch(f"SELECT {source.columns}, {end.value} AS cursor_value {condition}{end.sql}", *args)
    total = len(rows)
    if wanted.page.limit is not None:
        total = int(await session.fetchval(f"SELECT count(*) {condition}", *counted))
    return listed(source.name, rows, wanted.page, present, total)
