"""From the released schema to the present one: what may not be, what is to be looked at, what is new. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from graphql import GraphQLSchema, build_schema
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from drippulse_server.schema_changes.announced import Deprecation, coordinates, deprecations, without_due


@dataclass(frozen=True, slots=True)
class Changes:
    """Sentences and schema coordinates, each in a fixed order.

    `refused` breaks clients without having been announced; `removed` broke what was announced, after its day. `undated`
    are deprecations that do not say when. `dangerous` may surprise clients and is allowed.
    """

    refused: tuple[str, ...]
    removed: tuple[str, ...]
    dangerous: tuple[str, ...]
    added: tuple[str, ...]
    deprecated: tuple[str, ...]
    undated: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Why this schema may not be released."""
        return [
            *(f"{change}: deprecate it with a day first, and remove it after that day" for change in self.refused),
            *(
                f'{coordinate} is deprecated without a day: write "... after 2027-05-01" into its reason'
                for coordinate in self.undated
            ),
        ]


def compare(released: str, present: str, today: date) -> Changes:
    """Both as SDL."""
    old, new = build_schema(released), build_schema(present)
    refused = _breaking(build_schema(without_due(released, today)), new)
    removed = [change for change in _breaking(old, new) if change not in refused]
    were = {one.coordinate for one in deprecations(old)}
    now = deprecations(new)
    return Changes(
        tuple(refused),
        tuple(removed),
        tuple(sorted(change.description.rstrip(".") for change in find_dangerous_changes(old, new))),
        tuple(_added(old, new)),
        tuple(_told(one) for one in now if one.coordinate not in were),
        tuple(one.coordinate for one in now if one.after is None),
    )


def _breaking(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    return sorted({change.description.rstrip(".") for change in find_breaking_changes(old, new)})


def _added(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """Without the parts of what is new itself."""
    before = {coordinate for coordinate, _ in coordinates(old)}
    found = [coordinate for coordinate, _ in coordinates(new) if coordinate not in before]
    whole = set(found)
    return sorted(coordinate for coordinate in found if not _above(coordinate) & whole)


def _above(coordinate: str) -> set[str]:
    """`Thing.parts(first:)` -> Thing, Thing.parts"""
    member = coordinate.partition("(")[0]
    return {member.partition(".")[0], member} - {coordinate}


def _told(one: Deprecation) -> str:
    return f"{one.coordinate}: {one.reason}"


def still_deprecated(schema: str) -> Iterable[Deprecation]:
    return deprecations(build_schema(schema))
