"""Relay connections over keyset pages."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import strawberry

from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.cursors import encode_cursor
from drippulse_graphql.kit.ids import Key
from drippulse_graphql.kit.pages import (
    Listing,
    Page,
    PageArguments,
    fetch_count,
    fetch_counts,
    fetch_page,
    fetch_pages,
)
from drippulse_graphql.kit.selection import Row

T = TypeVar("T")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="A row and its cursor.")
class Edge(Generic[T]):
    cursor: str
    node: T


async def _total(parent: strawberry.Parent[Row]) -> int:
    return await parent["count"]()


@strawberry.type(description="A page of a list. Cursors stay right while rows are added.")
class Connection(Generic[T]):
    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo
    total_count: int = strawberry.field(resolver=_total, description="Rows in the whole list, with its filter.")


async def connect(context: Context, listing: Listing, scope: str, page: PageArguments) -> Row:
    """One connection of the root."""
    found = await fetch_page(context.session, context.organization_id, listing, page)

    async def count() -> int:
        return await fetch_count(context.session, context.organization_id, listing)

    return _connection(found, scope, page, count)


async def connect_child(context: Context, listing: Listing, scope: str, page: PageArguments, parent: Key) -> Row:
    """The connection of one parent; other parents with the same arguments share the statement."""
    found = await context.loader(_load_pages).load((listing, page, parent))

    async def count() -> int:
        return await context.loader(_load_counts).load((listing, parent))

    return _connection(found, scope, page, count)


async def _load_pages(context: Context, keys: list[tuple[Listing, PageArguments, Key]]) -> list[Page]:
    wanted: dict[tuple[Listing, PageArguments], list[Key]] = {}
    for listing, page, parent in keys:
        wanted.setdefault((listing, page), []).append(parent)
    found = {
        (listing, page): await fetch_pages(context.session, context.organization_id, listing, page, parents)
        for (listing, page), parents in wanted.items()
    }
    return [found[listing, page].get(parent, Page()) for listing, page, parent in keys]


async def _load_counts(context: Context, keys: list[tuple[Listing, Key]]) -> list[int]:
    wanted: dict[Listing, list[Key]] = {}
    for listing, parent in keys:
        wanted.setdefault(listing, []).append(parent)
    found = {
        listing: await fetch_counts(context.session, context.organization_id, listing, parents)
        for listing, parents in wanted.items()
    }
    return [found[listing].get(parent, 0) for listing, parent in keys]


def _connection(found: Page, scope: str, page: PageArguments, count: Callable[[], Awaitable[int]]) -> Row:
    cursors = [encode_cursor(scope, position) for position in found.positions]
    edges: list[dict[str, Any]] = [
        {"cursor": cursor, "node": row} for cursor, row in zip(cursors, found.rows, strict=True)
    ]
    return {
        "edges": edges,
        "nodes": found.rows,
        "page_info": {
            "has_next_page": found.more if page.forward else page.bound is not None,
            "has_previous_page": found.more if page.backward else page.bound is not None,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
        "count": count,
    }
