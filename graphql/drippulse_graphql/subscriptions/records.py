"""Records of the log as nodes of the schema."""

from functools import lru_cache

from drippulse.events.log_reading import LogEntry
from drippulse.kit.errors import not_found
from drippulse_graphql.kit.context import Context
from drippulse_graphql.kit.ids import Key, encode_id, id_of, read_key
from drippulse_graphql.kit.nodes import NODE_TYPES, fits, load_nodes
from drippulse_graphql.kit.selection import Row

CRM = "Crm"


@lru_cache
def type_of(record_type: str) -> str | None:
    """The node type of a record type: `data_source_run` is DataSourceRun, `contact` CrmContact. None for no nodes."""
    name = "".join(part.capitalize() for part in record_type.split("_"))
    return next((one for one in (name, f"{CRM}{name}") if one in NODE_TYPES), None)


def key_of_entry(entry: LogEntry) -> tuple[str, Key] | None:
    """The node that an entry is about; None for records that are no nodes."""
    name, key = type_of(entry.record_type), read_key(entry.record_id)
    return None if name is None or key is None or not fits(NODE_TYPES[name].table, key) else (name, key)


def global_id_of(entry: LogEntry) -> str | None:
    key = key_of_entry(entry)
    return None if key is None else encode_id(*key)


async def record_of(context: Context, entry: LogEntry) -> Row | None:
    """As a query answers it now; None once it is deleted."""
    key = key_of_entry(entry)
    return None if key is None else await context.loader(load_nodes).load(key)


async def number_of(context: Context, text: str, name: str, field: str) -> int:
    """The id of a node that is there and the caller's own; what is not is refused like any unknown id.

    Raises:
        NotFoundError, InvalidIdError
    """
    number = id_of(text, name, field=field)
    if await context.loader(load_nodes).load((name, number)) is None:
        raise not_found(name.lower())
    return number
