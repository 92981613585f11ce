"""Which connectors are installed. A package offers one through the entry point group `drippulse.connectors`."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

import structlog

from drippulse.integrations.providers import PROVIDERS, resolve_provider
from drippulse_connector_sdk import ENTRY_POINT_GROUP, Connector

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectorProblem:
    """A package whose connector cannot be used; `name` is its entry point, `reason` one line."""

    name: str
    package: str
    reason: str

    def __str__(self) -> str:
        return f'The connector "{self.name}" of {self.package} is not usable: {self.reason}'


@dataclass(frozen=True, slots=True)
class Installed:
    connectors: Mapping[str, type[Connector]]
    problems: tuple[ConnectorProblem, ...]


def load_connectors() -> dict[str, type[Connector]]:
    """Every usable connector by its key, in alphabetical order; a broken package is left out."""
    return dict(installed().connectors)


def connector_problems() -> tuple[ConnectorProblem, ...]:
    """The packages that `load_connectors` left out, and why."""
    return installed().problems


@lru_cache(maxsize=1)
def installed() -> Installed:
    """What this process found, once; what is broken is logged by name."""
    found = discover(entry_points(group=ENTRY_POINT_GROUP))
    for problem in found.problems:
        log.error("connector_unusable", connector=problem.name, package=problem.package, reason=problem.reason)
    return found


def discover(offered: Iterable[EntryPoint]) -> Installed:
    """Load the connectors behind these entry points. Of two with the same key, the first package by name stays."""
    connectors: dict[str, type[Connector]] = {}
    problems: list[ConnectorProblem] = []
    for entry in sorted(offered, key=lambda entry: (entry.name, _package(entry))):
        outcome = _load(entry)
        if isinstance(outcome, str):
            problems.append(ConnectorProblem(entry.name, _package(entry), outcome))
        elif outcome.key in connectors:
            problems.append(ConnectorProblem(entry.name, _package(entry), "another package offers the same key."))
        else:
            connectors[outcome.key] = outcome
    return Installed(MappingProxyType(dict(sorted(connectors.items()))), tuple(problems))


def known_providers() -> tuple[str, ...]:
    """Every provider a connection or a step may name: the documented ones, then what else is installed."""
    return (*PROVIDERS, *(key for key in installed().connectors if key not in PROVIDERS))


def resolve(text: str) -> str | None:
    """The provider that a key or an alias names, whatever its case; documented names win over installed ones."""
    documented = resolve_provider(text)
    if documented is not None:
        return documented
    wanted = text.strip().lower()
    for key, connector in installed().connectors.items():
        if wanted == key or wanted in connector.aliases:
            return key
    return None


def _load(entry: EntryPoint) -> type[Connector] | str:
    """The class, or why there is none. Importing runs the package's code, which may fail in any way."""
    try:
        loaded: object = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - reported by name; one package must not stop the process
        return f"{type(error).__name__}: {error}".strip()
    if not inspect.isclass(loaded) or not issubclass(loaded, Connector):
        return f"{entry.value} is not a subclass of drippulse_connector_sdk.Connector."
    if loaded.key != entry.name:
        return f'the entry point is named "{entry.name}" and the connector\'s key is "{loaded.key}".'
    return loaded


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value.partition(":")[0]
