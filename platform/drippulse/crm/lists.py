"""Lists of records: a page and a total, for any mix of words, filters and orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from drippulse.crm import list_queries, search
from drippulse.crm.presentation import present
from drippulse.crm.records import SPECS
from drippulse.crm.search import Hits, Query
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Session
from drippulse.kit.pagination import COUNTED, NEWEST_FIRST, ListRequest, Total, listed, total_up_to


@dataclass(slots=True)
class Wanted:
    """Which rows: what follows WHERE with its arguments, and how many there are."""

    condition: str
    args: list[Any]
    total: int | Total = 0


async def page_of_records(session: Session, actor: Actor, kind: RecordType, wanted: ListRequest) -> dict[str, Any]:
    """`{plural, total_count}`, newest first; paginated answers also have `next_cursor`. More than 10,000 found by a
    filter are not counted any further: `total_count_is_lower_bound`."""
    rows = await _filtered(session, actor, kind, wanted)
    query, tags = _query(kind, wanted), wanted.value("tags")
    if query is not None:
        plain = not wanted.filters and query.address is None
        await _looked_up(session, kind, wanted, await _find(session, actor, kind, query), rows, query, plain=plain)
    elif tags is not None:
        hits = await search.find_tagged(session, kind, actor.organization_id, _tags(wanted))
        await _looked_up(session, kind, wanted, hits, rows, None, plain=len(wanted.filters) == 1)
    elif wanted.filters:
        rows.total = await list_queries.count(session, kind, rows.condition, rows.args, COUNTED)
    else:
        found, total = await list_queries.newest(session, kind, wanted, rows.condition, rows.args)
        return listed(SPECS[kind].plural, found, wanted.page, partial(present, kind), total)
    found = await list_queries.page(session, kind, wanted, rows.condition, rows.args)
    return listed(SPECS[kind].plural, found, wanted.page, partial(present, kind), rows.total)


async def matching(session: Session, actor: Actor, kind: RecordType, wanted: ListRequest) -> Wanted:
    """All that the words and filters find, as a condition; its `total` is not told."""
    rows = await _filtered(session, actor, kind, wanted)
    query = _query(kind, wanted)
    if query is not None:
        hits = await _find(session, actor, kind, query)
        rows.condition += search.condition(query, hits.ids if hits.complete else None, rows.args)
    elif wanted.value("tags") is not None:
        hits = await search.find_tagged(session, kind, actor.organization_id, _tags(wanted))
        rows.condition += search.among(hits.ids if hits.complete else None, rows.args)
    return rows


async def _filtered(session: Session, actor: Actor, kind: RecordType, wanted: ListRequest) -> Wanted:
    args: list[Any] = [actor.organization_id]
    return Wanted(await list_queries.conditions(session, kind, actor.organization_id, wanted, args), args)


async def _looked_up(
    session: Session,
    kind: RecordType,
    wanted: ListRequest,
    hits: Hits,
    rows: Wanted,
    query: Query | None,
    *,
    plain: bool,
) -> None:
    """Add what was found to the condition, and count. `plain`: nothing else is asked for."""
    page = wanted.page
    if hits.index is not None and not hits.exhausted and page.sort == NEWEST_FIRST:
        args = [*rows.args]
        condition = rows.condition + _narrowed(query, None, args)
        if not await list_queries.is_near(session, kind, page, condition, args):
            hits = await search.look_up(session, hits.index)
    part = hits.part(page) if plain and page.sort == NEWEST_FIRST else None
    if part is not None and hits.ids is not None:
        rows.condition += _narrowed(query, part, rows.args)
        rows.total = total_up_to(len(hits.ids))
        return
    rows.condition += _narrowed(query, hits.ids if hits.complete else None, rows.args)
    most = page.offset + (page.fetch or COUNTED) if hits.everywhere else COUNTED
    rows.total = await list_queries.count(
        session, kind, rows.condition, rows.args, most, frequent=hits.index is not None
    )


def _narrowed(query: Query | None, ids: Sequence[UUID] | None, args: list[Any]) -> str:
    return search.among(ids, args) if query is None else search.condition(query, ids, args)


def _query(kind: RecordType, wanted: ListRequest) -> Query | None:
    return search.read_query(wanted.q, addresses=SPECS[kind].unique_by_email)


async def _find(session: Session, actor: Actor, kind: RecordType, query: Query) -> Hits:
    return await search.find(session, kind, actor.organization_id, query)


def _tags(wanted: ListRequest) -> list[str]:
    return [str(tag) for one in wanted.filters if one.name == "tags" for tag in one.values]
