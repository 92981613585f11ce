"""`drippulse export ...`."""

from pathlib import Path

import typer

app = typer.Typer(help="The committed contracts: openapi.json, schema.graphql and its pages.", no_args_is_help=True)


@app.callback()
def export() -> None:
    """The committed contracts: openapi.json, schema.graphql and its pages."""


@app.command("write")
def write() -> None:
    """Generate openapi.json, schema.graphql, its reference and the page of its changes again from the code.

    Example: `drippulse export write`
    """
    from drippulse_server.console import out
    from drippulse_server.contracts import contracts

    for contract in contracts():
        changed = contract.committed() != contract.text
        contract.path.write_text(contract.text, encoding="utf-8")
        out.print(f"{_shown(contract.path)}: {'written' if changed else 'as it was'}", markup=False, soft_wrap=True)


@app.command("check")
def check() -> None:
    """Compare openapi.json, schema.graphql and its pages with the code, and the schema with the released one.

    Exit code 1 when one is out of date, or clients of the released schema would break; changes nothing.

    Example: `drippulse export check`
    """
    from drippulse_server.console import err, fail, out
    from drippulse_server.contracts import contracts, unreleasable
    from drippulse_server.failures import ExitCode

    outdated = [contract for contract in contracts() if contract.committed() != contract.text]
    for contract in outdated:
        fail(f"{_shown(contract.path)} is not what the code says. `drippulse export write` mends it.")
        for change in contract.breaking():
            err.print(f"  breaking: {change}", markup=False, soft_wrap=True)
    problems = unreleasable()
    for problem in problems:
        fail(f"The schema breaks what is released: {problem}.")
    if outdated or problems:
        raise typer.Exit(ExitCode.FAILED)
    out.print("openapi.json and schema.graphql are what the code says, and break nobody.", style="green")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
