"""Finding records by words: full text with a prefix, newest first, quick at a million.

Words that many records have are looked for from the newest record on, words that few have in the index. Which it is, a
look at the newest records says. Row-level security keeps the index from statements of the application's role, so that
looking there goes through a function that gives back ids of the caller's organization alone.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from drippulse.crm.tables import RecordType
from drippulse.kit.db import Session
from drippulse.kit.pagination import PageRequest

PROBED = 2_000
"""The newest records that are looked at first."""
FREQUENT = 16
"""This many hits among them (0.8 %), and going on from the newest is quicker than the index."""
MOST_IDS = 10_000
MAX_WORDS = 16
_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"\S+@\S*")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    `words` must all be there, the last may be the beginning of one; `address` is the beginning of an address whose
    whole words are among them.
    """

    words: tuple[str, ...]
    address: str | None = None
    whole: bool = False

    @property
    def text(self) -> str:
        """As `to_tsquery` reads it. Words consist of letters and digits alone."""
        terms = [f"'{word}'" for word in self.words]
        return " & ".join(terms) + ("" if self.whole else ":*")


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found out: `ids`, newest first, at most `MOST_IDS` and one more; or None, when each record has to be
    looked at.

    `exhausted`: the organization has no more records than were looked at.
    """

    ids: list[UUID] | None
    exhausted: bool = False

    @property
    def complete(self) -> bool:
        return self.ids is not None and len(self.ids) <= MOST_IDS

    @property
    def everywhere(self) -> bool:
        """They are too many to be counted."""
        return not self.complete and not self.exhausted

    def part(self, page: PageRequest) -> list[UUID] | None:
        """The ids that a page of the newest-first order may need, and no others; None when they are not known."""
        if self.ids is None or page.fetch is None:
            return None
        after = page.after.key if page.after is not None else None
        after = after if isinstance(after, UUID) else None
        ids = self.ids if after is None else [record_id for record_id in self.ids if record_id < after]
        end = page.offset + page.fetch
        return ids[:end] if self.complete or end <= len(ids) else None


def read_query(q: str | None, *, addresses: bool) -> Query | None:
    """None when nothing is looked for. A text without any word finds nothing.

    `addresses`: the records have an e-mail address.
    """
    if q is None or not q.strip():
        return None
    text = q.strip()[:1000]
    address = _ADDRESS.fullmatch(text)
    words = tuple(_WORD.findall(text.lower())[:MAX_WORDS])
    if addresses and address is not None and len(words) > 1:
        # The last word of an address is often one that everybody has, such as com: the others are looked for, and what
        # was found is compared with the address.
        return Query(words[:-1], text.lower(), whole=True)
    return Query(words)


async def find(session: Session, kind: RecordType, organization_id: int, query: Query) -> Hits:
    """At most four or five milliseconds for looking at the newest, and what the index takes."""
    if not query.words:
        return Hits([])
    [newest] = await session.fetch(
        f"""SELECT count(*) AS seen, count(*) FILTER (WHERE n.search @@ to_tsquery('simple', $2)) AS hits FROM (
              SELECT r.search FROM {kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
              ORDER BY r.id DESC LIMIT {PROBED}) AS n""",
        organization_id,
        query.text,
    )
    exhausted = newest["seen"] < PROBED
    if exhausted or newest["hits"] >= FREQUENT:
        return Hits(None, exhausted)
    found = await session.fetch(
        f"SELECT id FROM find_{kind.value}(to_tsquery('simple', $1), {MOST_IDS + 1}) AS id", query.text
    )
    return Hits([row["id"] for row in found])


def condition(query: Query, ids: list[UUID] | None, args: list[Any]) -> str:
    """` AND ...` over the table as `r`: one of these ids, or what the words say when they are not known."""
    args.append(query.text if ids is None else ids)
    place = f"${len(args)}"
    text = f" AND r.search @@ to_tsquery('simple', {place})" if ids is None else f" AND r.id = ANY ({place}::uuid[])"
    if query.address is None:
        return text
    args.append(query.address)
    return f"{text} AND starts_with(lower(r.email), ${len(args)})"
