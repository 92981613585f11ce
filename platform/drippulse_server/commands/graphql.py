"""`drippulse graphql ...`."""

from pathlib import Path
from typing import Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir

app = typer.Typer(help="For teams that speak GraphQL with an instance, and for its schema.", no_args_is_help=True)
documents = typer.Typer(help="Trusted documents: registered at build time, run by their ids.", no_args_is_help=True)
app.add_typer(documents, name="documents")


@app.callback()
def graphql() -> None:
    """For teams that speak GraphQL with an instance, and for its schema."""


@documents.callback()
def trusted_documents() -> None:
    """Trusted documents: registered at build time, run by their ids."""


@documents.command("push")
def push(
    files: Annotated[
        list[Path], typer.Argument(help="Manifests (JSON: hash or name -> text, or Apollo's) and .graphql files.")
    ],
    url: Annotated[str | None, typer.Option(help="Of the instance; DRIPPULSE_BASE_URL when not given.")] = None,
    key: Annotated[str | None, typer.Option(help="An Admin's API key; DRIPPULSE_API_KEY when not given.")] = None,
    client: Annotated[str, typer.Option(help="The program that the documents belong to.")] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Register documents with an instance. What is registered already stays as it is.

    Each is parsed, held against the limits and validated against the schema first; what is wrong is told with file,
    name, line and column. A file .graphql is one document, run by the SHA-256 of its text. Exit code 1 when one was
    refused.

    Example: `drippulse graphql documents push persisted-documents.json --client web-app`
    """
    from drippulse_server.console import err, fail, out
    from drippulse_server.failures import ExitCode
    from drippulse_server.importing.api import Instance, find_instance
    from drippulse_server.trusted_documents.manifests import read_documents
    from drippulse_server.trusted_documents.pushing import push as send

    found = read_documents(files)
    base_url, api_key = (url, key) if url and key else find_instance(data_dir)
    instance = Instance(url or base_url, key or api_key)
    try:
        pushed = send(instance, found, client)
    finally:
        instance.close()
    counted = f"{pushed.created} registered, {pushed.changed} changed, {pushed.unchanged} as before."
    if pushed.flaws:
        fail(f"Some documents were refused; of the portions without them: {counted}")
        for flaw in pushed.flaws:
            err.print(f"  {flaw}", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.FAILED)
    out.print(counted, style="green")


@app.command("changes")
def changes() -> None:
    """Write platform/docs/graphql-changes.md and tell what may not be. Exit code 1 when the schema breaks clients.

    Example: `drippulse graphql changes`
    """
    from datetime import UTC, datetime

    from drippulse_server.console import err, fail, out
    from drippulse_server.failures import ExitCode
    from drippulse_server.schema_changes.files import History

    history, today = History(), datetime.now(UTC).date()
    history.page_path.write_text(history.page(today), encoding="utf-8")
    problems = history.problems(today)
    if problems:
        fail(f"The schema may not be released as it is; clients rely on {history.version}.")
        for problem in problems:
            err.print(f"  {problem}", markup=False, soft_wrap=True)
        raise typer.Exit(ExitCode.FAILED)
    out.print(f"{history.page_path.name} is written; nothing breaks clients of {history.version}.", style="green")


@app.command("release")
def release(version: Annotated[str, typer.Argument(help="The version that the schema gets, such as 1.4.0.")]) -> None:
    """Make the present schema the released one that later schemas are held against; run it when a version is published.

    Example: `drippulse graphql release 1.4.0`
    """
    from datetime import UTC, datetime

    from drippulse_server.console import out
    from drippulse_server.schema_changes.files import History

    History().release(version, datetime.now(UTC).date())
    out.print(f"Version {version} of the schema is what clients may rely on now.", style="green")
