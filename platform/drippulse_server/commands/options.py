"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

DEFAULT_DATA_DIR = Path(".drippulse")

DataDir: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        envvar="DRIPPULSE_DATA_DIR",
        help="The folder of the instance: where `up` keeps its data, and where the other commands find a running one.",
        show_default=True,
    ),
]
