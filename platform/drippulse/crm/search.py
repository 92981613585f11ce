"""Finding records by words (full text with a prefix) and by tags, newest first, quick at a million.

What many records have is looked for from the newest record on, what few have in the index. Which it is, a look at the
newest records says, and for each page a look at those around it. Row-level security keeps the index from statements of
the application's role, so that looking there goes through functions that give back ids of the caller's organization
alone.
"""

import re
from collections.abc import Sequence
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
        return _terms(self.words) + ("" if self.whole else ":*")

    @property
    def narrows(self) -> bool:
        """There are whole words beside a beginning."""
        return len(self.words) > 1 and not self.whole

    @property
    def beginning(self) -> str:
        return f"{_terms(self.words[-1:])}:*"

    @property
    def rest(self) -> str:
        """The whole words beside the beginning."""
        return _terms(self.words[:-1])


@dataclass(frozen=True, slots=True)
class Index:
    """A function that gives back up to $1 ids, newest first, and its other arguments."""

    function: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found out: `ids`, newest first, at most `MOST_IDS` and one more; or None, when each record has to be
    looked at.

    `exhausted`: the organization has no more records than were looked at. `index`: where they are, when they were not
    looked up.
    """

    ids: list[UUID] | None
    exhausted: bool = False
    index: Index | None = None

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
    """The records with these words. At most four or five milliseconds for looking at the newest, and what the index
    takes."""
    if not query.words:
        return Hits([])
    texts = (query.text, query.beginning, query.rest) if query.narrows else (query.text,)
    conditions = [f"n.search @@ to_tsquery('simple', ${place})" for place in range(2, len(texts) + 2)]
    newest = await _newest(session, kind, organization_id, conditions, *texts)
    index = index_for(kind, query, newest.hits)
    return Hits(None, newest.exhausted, index) if newest.suffices else await look_up(session, index)


def index_for(kind: RecordType, query: Query, hits: Sequence[int]) -> Index:
    """Where these words are looked up.

    `hits`: how many of the newest records have all of them; for words that narrow also the beginning, and the rest. The
    index collects all entries with a beginning: where it is frequent and the rest is rarer, that alone is looked up.
    """
    if query.narrows and hits[1] >= FREQUENT and hits[1] > hits[2]:
        function = f"find_{kind.value}_narrowed(to_tsquery('simple', $2), to_tsquery('simple', $3), $1)"
        return Index(function, (query.rest, query.text))
    return Index(f"find_{kind.value}(to_tsquery('simple', $2), $1)", (query.text,))


async def find_tagged(session: Session, kind: RecordType, organization_id: int, tags: Sequence[str]) -> Hits:
    """The records that have any of these tags, as `find`."""
    newest = await _newest(session, kind, organization_id, ["n.tags && $2::text[]"], list(tags))
    index = Index(f"find_{kind.value}_tagged($2::text[], $1)", (list(tags),))
    return Hits(None, newest.exhausted, index) if newest.suffices else await look_up(session, index)


async def look_up(session: Session, index: Index) -> Hits:
    """What the index has."""
    rows = await session.fetch(f"SELECT id FROM {index.function} AS id", MOST_IDS + 1, *index.args)
    return Hits([row["id"] for row in rows])


@dataclass(frozen=True, slots=True)
class _Newest:
    """How many of the newest records fulfil each condition; the first is what is looked for."""

    exhausted: bool
    hits: list[int]

    @property
    def suffices(self) -> bool:
        return self.exhausted or self.hits[0] >= FREQUENT


async def _newest(
    session: Session, kind: RecordType, organization_id: int, conditions: Sequence[str], *args: Any
) -> _Newest:
    counted = ", ".join(f"count(*) FILTER (WHERE {one}) AS hits_{place}" for place, one in enumerate(conditions))
    [row] = await session.fetch(
        f"""SELECT {counted}, count(*) AS seen FROM (
              SELECT r.search, r.tags FROM {kind.value} r WHERE r.organization_id = $1 AND r.deleted_at IS NULL
              ORDER BY r.id DESC LIMIT {PROBED}) AS n""",
        organization_id,
        *args,
    )
    *hits, seen = row.values()
    return _Newest(seen < PROBED, hits)


def _terms(words: Sequence[str]) -> str:
    return " & ".join(f"'{word}'" for word in words)


def condition(query: Query, ids: Sequence[UUID] | None, args: list[Any]) -> str:
    """` AND ...` over the table as `r`: one of these ids, or what the words say when they are not known."""
    text = among(ids, args)
    if ids is None:
        args.append(query.text)
        text = f" AND r.search @@ to_tsquery('simple', ${len(args)})"
    if query.address is None:
        return text
    args.append(query.address)
    return f"{text} AND starts_with(lower(r.email), ${len(args)})"


def among(ids: Sequence[UUID] | None, args: list[Any]) -> str:
    """` AND ...` over the table as `r`: one of these ids; nothing when they are not known."""
    if ids is None:
        return ""
    args.append(list(ids))
    return f" AND r.id = ANY (${len(args)}::uuid[])"
