"""Lists of records: a page and a total, for any mix of words, filters and orders."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from drippulse.crm import list_queries, search
from drippulse.crm.presentation import present
from drippulse.crm.records import SPECS
from drippulse.crm.search import Query
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Session
from drippulse.kit.pagination import COUNTED, NEWEST_FIRST, ListRequest, Total, listed, total_up_to


@dataclass(slots=True)
class _Wanted:
    """Which rows: what follows WHERE with its arguments, and how many there are."""

    condition: str
    args: list[Any]
    total: int | Total = 0


async def page_of_records(session: Session, actor: Actor, kind: RecordType, wanted: ListRequest) -> dict[str, Any]:
    """`{plural, total_count}`, newest first; paginated answers also have `next_cursor`. More than 10,000 found by a
    filter are not counted any further: `total_count_is_lower_bound`."""
    args: list[Any] = [actor.organization_id]
    rows = _Wanted(await list_queries.conditions(session, kind, actor.organization_id, wanted, args), args)
    query = search.read_query(wanted.q, addresses=SPECS[kind].unique_by_email)
    if query is not None:
        await _search(session, actor, kind, wanted, query, rows)
    elif wanted.filters:
        rows.total = await list_queries.count(session, kind, rows.condition, args, COUNTED)
    else:
        rows.total = await list_queries.total(session, kind, actor.organization_id)
    found = await list_queries.page(session, kind, wanted, rows.condition, args)
    return listed(SPECS[kind].plural, found, wanted.page, partial(present, kind), rows.total)


async def _search(
    session: Session, actor: Actor, kind: RecordType, wanted: ListRequest, query: Query, rows: _Wanted
) -> None:
    """Add what the words ask for to the condition, and count."""
    page = wanted.page
    hits = await search.find(session, kind, actor.organization_id, query)
    plain = not wanted.filters and query.address is None and page.sort == NEWEST_FIRST
    part = hits.part(page) if plain else None
    if part is not None and hits.ids is not None:
        rows.condition += search.condition(query, part, rows.args)
        rows.total = total_up_to(len(hits.ids))
        return
    rows.condition += search.condition(query, hits.ids if hits.complete else None, rows.args)
    most = page.offset + (page.fetch or COUNTED) if hits.everywhere else COUNTED
    rows.total = await list_queries.count(session, kind, rows.condition, rows.args, most)
