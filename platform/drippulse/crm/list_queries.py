"""Pages of records and how many there are."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from drippulse.crm.listing import columns_of, sorts_of, targets_of
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.kit.addresses import same_mailbox_key
from drippulse.kit.db import Record, Session
from drippulse.kit.filters import Filter, Kind, Operator, where
from drippulse.kit.ids import uuid_or_none
from drippulse.kit.pagination import COUNTED, ListRequest, PageRequest, Total, tail

NOBODY = UUID(int=0)
"""In the place of what is unknown or foreign: no record has it."""

NEAR = 20_000
FOLDED_AT = 200
TALLY = "record_tally WHERE organization_id = $1 AND record_type = '{kind}'"
FOLD = """WITH folded AS (DELETE FROM record_tally WHERE organization_id = $1 AND record_type = $2 RETURNING delta)
INSERT INTO record_tally (organization_id, record_type, delta)
SELECT $1, $2, sum(delta) FROM folded HAVING count(*) > 0"""


@cache
def _columns(kind: RecordType) -> dict[str, str]:
    return columns_of(kind)


async def conditions(
    session: Session, kind: RecordType, organization_id: int, wanted: ListRequest, args: list[Any]
) -> str:
    """What follows WHERE; `args` begins with the organization and gets the rest."""
    filters = await _resolved(session, kind, organization_id, wanted.filters)
    tags = [one for one in filters if one.name == "tags"]
    text = "r.organization_id = $1 AND r.deleted_at IS NULL"
    text += where([one for one in filters if one.name != "tags"], {**_columns(kind), **wanted.found.columns}, args)
    for one in tags:
        args.append(list(one.values))
        text += f" AND r.tags && ${len(args)}::text[]"
    for one in filters if SPECS[kind].unique_by_email else ():
        if one.name == "email" and one.operator is Operator.EQ:  # the address itself has no index
            args.append([same_mailbox_key(str(value)) for value in one.values])
            text += f" AND r.email_key = ANY (${len(args)}::text[])"
    return text


async def page(
    session: Session, kind: RecordType, wanted: ListRequest, condition: str, args: Sequence[Any], more: str = ""
) -> list[Record]:
    """The rows of the page and one more, with `cursor_value`; `more` is further columns."""
    everything = [*args]
    end = tail(wanted.page, {**sorts_of(kind), **wanted.found.sorts}, "r.id", everything)
    sql = (
        f"SELECT {SPECS[kind].select}, {end.value} AS cursor_value{more} FROM {kind.value} r WHERE {condition}{end.sql}"
    )
    return await session.fetch(sql, *everything)


async def newest(
    session: Session, kind: RecordType, wanted: ListRequest, condition: str, args: Sequence[Any]
) -> tuple[list[Record], int]:
    """`page` of all live records of the type with how many there are, in one statement. Folds what the tally has, when
    that is much. `args` is the organization alone."""
    tally = f"ARRAY[coalesce(sum(delta), 0)::bigint, count(*)] FROM {TALLY.format(kind=kind.value)}"
    rows = await page(session, kind, wanted, condition, args, f", (SELECT {tally}) AS tally")
    total, parts = rows[0]["tally"] if rows else await session.fetchval(f"SELECT {tally}", *args)
    if parts > FOLDED_AT:
        await session.execute(FOLD, args[0], kind.value)
    return rows, int(total)


async def is_near(session: Session, kind: RecordType, page: PageRequest, condition: str, args: Sequence[Any]) -> bool:
    """Whether the rows of this page of the newest-first order are all among the next `NEAR` records. `args` begins with
    the organization."""
    everything, wanted = [*args], page.offset + (page.fetch or COUNTED)
    behind = ""
    if page.after is not None:
        everything.append(page.after.key)
        behind = f" AND r.id < ${len(everything)}"
    near = f"""SELECT r.* FROM {kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL{behind}
      ORDER BY r.id DESC LIMIT {NEAR}"""
    part = f"SELECT 1 FROM ({near}) AS r WHERE {condition} LIMIT {wanted}"
    return int(await session.fetchval(f"SELECT count(*) FROM ({part}) AS counted", *everything)) == wanted


async def count(
    session: Session, kind: RecordType, condition: str, args: Sequence[Any], most: int, *, frequent: bool = False
) -> Total:
    """How many there are, counted up to `most`: exact up to there, a lower bound beyond. `frequent`: many of the newest
    are meant; counting begins with these, so that a plan without statistics does not begin with somebody else's."""
    order = " ORDER BY r.id DESC" if frequent else ""
    part = f"SELECT 1 FROM {kind.value} r WHERE {condition}{order} LIMIT {most + 1}"
    found = int(await session.fetchval(f"SELECT count(*) FROM ({part}) AS counted", *args))
    return Total(min(found, most), is_lower_bound=found > most)


async def _resolved(
    session: Session, kind: RecordType, organization_id: int, filters: Sequence[Filter]
) -> list[Filter]:
    targets = targets_of(kind)
    return [
        await _with_ids(session, targets[one.name], organization_id, one)
        if one.name in targets and one.kind is Kind.TEXT
        else one
        for one in filters
    ]


async def _with_ids(session: Session, table: str, organization_id: int, one: Filter) -> Filter:
    """The same condition on ids; UUIDs stay, public ids are looked up."""
    ids = [uuid_or_none(str(value)) for value in one.values] if isinstance(one.values[0], str) else []
    if not ids:  # EXISTS
        return replace(one, kind=Kind.UUID)
    names = [value for value, found in zip(one.values, ids, strict=True) if found is None]
    sql = f"SELECT public_id, id FROM {table} WHERE organization_id = $1 AND public_id = ANY ($2::text[])"
    rows = await session.fetch(sql, organization_id, names) if names else []
    known = {row["public_id"]: row["id"] for row in rows}
    values = tuple(found or known.get(value, NOBODY) for value, found in zip(one.values, ids, strict=True))
    return replace(one, kind=Kind.UUID, values=values)
