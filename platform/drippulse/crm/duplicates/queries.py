"""Reads of duplicates. Every statement names the organization."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from drippulse.crm.duplicates.state import MOST_MEMBERS, REASONS, SHOWN, Pair
from drippulse.crm.duplicates.tables import Reason
from drippulse.crm.queries import LIVE
from drippulse.crm.tables import RecordType
from drippulse.events.service import Actor
from drippulse.kit.db import Record, Session

LOOKED_AT = 1_000
"""Of a very large group."""
OF = "m.organization_id = $1 AND m.record_type = $2"


async def end_of_window(
    session: Session, organization_id: int, kind: RecordType, reason: Reason, begin: int, size: int
) -> int | None:
    """The key that stands `size` records behind `begin`; None when there are fewer."""
    return await session.fetchval(
        f"SELECT m.{reason} FROM record_match m WHERE {OF} AND m.{reason} >= $3 ORDER BY m.{reason} OFFSET $4 LIMIT 1",
        organization_id,
        kind.value,
        begin,
        size,
    )


async def repeated(
    session: Session, organization_id: int, kind: RecordType, reason: Reason, begin: int, end: int, most: int
) -> list[Record]:
    """key and record_count of the first groups within these keys, both included."""
    return await session.fetch(
        f"""SELECT m.{reason} AS key, count(*) AS record_count FROM record_match m
            WHERE {OF} AND m.{reason} >= $3 AND m.{reason} <= $4
            GROUP BY m.{reason} HAVING count(*) > 1 ORDER BY m.{reason} LIMIT $5""",
        organization_id,
        kind.value,
        begin,
        end,
        most,
    )


async def members(
    session: Session, organization_id: int, kind: RecordType, reason: Reason, keys: Sequence[int]
) -> list[Record]:
    """The oldest live records of each group, with its `key` and, as `by_<reason>`, all that they are compared by."""
    compared = ", ".join(f"m.{name} AS by_{name}" for name in REASONS[kind])
    return await session.fetch(
        f"""SELECT g.key, {compared}, r.* FROM unnest($3::bigint[]) AS g (key)
            CROSS JOIN LATERAL (SELECT * FROM (
              SELECT * FROM record_match m WHERE {OF} AND m.{reason} = g.key LIMIT {LOOKED_AT}) AS looked_at
              ORDER BY looked_at.record_id LIMIT {MOST_MEMBERS}) AS m
            CROSS JOIN LATERAL (
              SELECT {_shown(kind)} FROM {kind.value} r WHERE {LIVE} AND r.id = m.record_id LIMIT 1) AS r
            ORDER BY g.key, r.id""",
        organization_id,
        kind.value,
        keys,
    )


async def alike(
    session: Session, organization_id: int, kind: RecordType, record_id: UUID, keys: Mapping[Reason, int], most: int
) -> list[Record]:
    """Live records that share one of these keys, with the `reason`; at most so many for each."""
    args: list[Any] = [organization_id, kind.value, record_id]
    parts: list[str] = []
    for reason, key in keys.items():
        args.append(key)
        parts.append(
            f"(SELECT m.record_id, '{reason}' AS reason FROM record_match m "
            f"WHERE {OF} AND m.{reason} = ${len(args)} AND m.record_id <> $3 LIMIT {most})"
        )
    return await session.fetch(
        f"""SELECT f.reason, r.* FROM ({" UNION ALL ".join(parts)}) AS f CROSS JOIN LATERAL (
              SELECT {_shown(kind)} FROM {kind.value} r WHERE {LIVE} AND r.id = f.record_id LIMIT 1) AS r""",
        *args,
    )


async def dismissed(session: Session, organization_id: int, ids: Collection[UUID]) -> set[Pair]:
    """Pairs of these records that are not the same."""
    rows = await session.fetch(
        """SELECT first_id, second_id FROM duplicate_dismissal
           WHERE organization_id = $1 AND first_id = ANY ($2::uuid[]) AND second_id = ANY ($2::uuid[])""",
        organization_id,
        list(ids),
    )
    return {(row["first_id"], row["second_id"]) for row in rows}


async def dismiss(session: Session, actor: Actor, kind: RecordType, pairs: Sequence[Pair]) -> int:
    """How many were not dismissed before."""
    return len(
        await session.fetch(
            """INSERT INTO duplicate_dismissal (organization_id, first_id, second_id, record_type, actor_type, actor_id)
               SELECT $1, first_id, second_id, $2, $3, $4 FROM unnest($5::uuid[], $6::uuid[]) AS p (first_id, second_id)
               ON CONFLICT DO NOTHING RETURNING 1""",
            actor.organization_id,
            kind.value,
            actor.actor_type,
            actor.actor_id,
            [first for first, _ in pairs],
            [second for _, second in pairs],
        )
    )


async def take_back(session: Session, organization_id: int, pairs: Sequence[Pair]) -> int:
    """How many were dismissed before."""
    return len(
        await session.fetch(
            """DELETE FROM duplicate_dismissal d USING unnest($2::uuid[], $3::uuid[]) AS p (first_id, second_id)
               WHERE d.organization_id = $1 AND d.first_id = p.first_id AND d.second_id = p.second_id RETURNING 1""",
            organization_id,
            [first for first, _ in pairs],
            [second for _, second in pairs],
        )
    )


def _shown(kind: RecordType) -> str:
    return ", ".join(f"r.{name}" for name in SHOWN[kind])
