"""What comes out of the usage of GraphQL."""

import datetime as dt

from pydantic import BaseModel, Field


class GraphqlUsageRowOut(BaseModel):
    """Requests of one client for one operation over the days that were asked for."""

    client: str = Field(description="As it names itself in its requests; empty when it does not.")
    version: str
    operation: str = Field(description="Its name; the beginning of the document's id when it has none.")
    field: str | None = Field(description="Null for the operation itself, else a deprecated part of it.")
    requests: int
    first_day: dt.date
    last_day: dt.date


class GraphqlUsageOut(BaseModel):
    """The busiest first."""

    usage: list[GraphqlUsageRowOut]
    total_count: int = Field(description="Rows there are; the first 1,000 are answered.")
    since: dt.date
    until: dt.date
