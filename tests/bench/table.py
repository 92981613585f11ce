"""The table that `make bench` prints and stores."""

import json
import os
import platform
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path("bench-results")
VERSIONS = ["asyncpg", "dramatiq", "granian", "litestar", "piccolo", "python-liquid", "strawberry-graphql"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure, beside its limit in the same run and the target."""

    name: str
    value: float
    unit: str
    limit: str
    target: str
    met: bool


@dataclass
class Results:
    figures: list[Figure] = field(default_factory=list[Figure])

    def add(self, name: str, value: float, unit: str, *, limit: str = "", target: str = "", met: bool) -> None:
        self.figures.append(Figure(name, value, unit, limit, target, met))

    def show(self) -> None:
        table = Table(title="DripPulse bench")
        for heading in ("figure", "measured", "limit in the same run", "target", ""):
            table.add_column(heading, justify="right" if heading == "measured" else "left")
        for one in self.figures:
            table.add_row(
                one.name,
                shown(one),
                one.limit,
                one.target,
                "met" if one.met else "MISSED",
            )
        Console(width=150).print(table)

    def store(self) -> Path:
        """Write the figures with the machine and the versions; the file's path."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / "latest.json"
        document = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
            "figures": [asdict(one) for one in self.figures],
        }
        path.write_text(json.dumps(document, indent=2) + "\n")
        return path


def shown(one: Figure) -> str:
    return f"{one.value:,.4g} {one.unit}" if one.value < 1000 else f"{one.value:,.0f} {one.unit}"


def machine() -> str:
    """Such as `2 cores of x86_64 (Intel Xeon), 24 GiB`."""
    cpu = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.+)$", cpu.read_text(), re.MULTILINE) if cpu.exists() else None
    model = f" ({found[1]})" if found else ""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores of {platform.machine()}{model}, {memory:.0f} GiB"


def versions() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return f"Python {platform.python_version()}, PostgreSQL and Redis embedded, {libraries}"
