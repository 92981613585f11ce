"""`drippulse import-contacts`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drippulse_server.commands.options import DEFAULT_DATA_DIR, DataDir
from drippulse_server.failures import CommandFailure, ExitCode

if TYPE_CHECKING:
    from drippulse.enrollments.csv_import import Layout
    from drippulse_server.importing.api import Instance
    from drippulse_server.importing.run import Summary


def import_contacts(
    file: Annotated[Path, typer.Argument(help="CSV with a header line: UTF-8, UTF-16 or Windows-1252; , ; tab or |.")],
    workflow: Annotated[int, typer.Option(help="Id of the workflow to enroll them in.", min=1)],
    timezone: Annotated[str | None, typer.Option(help="IANA name for contacts without one; default UTC.")] = None,
    keep_invalid: Annotated[
        bool, typer.Option("--keep-invalid", help="Enroll rows without a valid address too; mail steps skip them.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check only; enroll nobody.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write a CSV with every problem found, by line.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Enroll the people of a CSV file in a workflow of the running instance.

    Columns named like an e-mail address, first and last name are recognized; every other column becomes a field for
    templates, in snake_case. Of rows with one address the first is kept. Uses DRIPPULSE_BASE_URL and
    DRIPPULSE_API_KEY, or the credentials.env of the data folder. Exit code 0 when somebody was enrolled, else 1.

    Example: `drippulse import-contacts leads.csv --workflow 1 --report problems.csv`
    """
    from drippulse.enrollments.csv_import import read_layout
    from drippulse_server.console import out
    from drippulse_server.importing.api import Instance, find_instance
    from drippulse_server.importing.run import InterruptedImport

    layout = read_layout(file)
    if layout.header.email_column is None and not keep_invalid:
        raise CommandFailure(
            f"{file} has no column with e-mail addresses; its columns are {', '.join(layout.header.keys)}. "
            'Name one "email", or use --keep-invalid.'
        )
    for notice in layout.notices:
        out.print(notice, markup=False, style="yellow", soft_wrap=True)
    instance = None if dry_run else Instance(*find_instance(data_dir))
    try:
        if instance is not None:
            out.print(f'Enrolling in "{instance.workflow(workflow)["name"]}".', markup=False, soft_wrap=True)
        summary = _run(layout, instance, workflow, timezone, keep_invalid=keep_invalid, report=report)
    except InterruptedImport as interrupted:
        _show(interrupted.summary, dry_run=dry_run)
        raise
    finally:
        if instance is not None:
            instance.close()
    _show(summary, dry_run=dry_run)
    if not summary.enrolled:
        raise CommandFailure("Nobody was enrolled.", ExitCode.FAILED)


def _run(
    layout: "Layout",
    instance: "Instance | None",
    workflow: int,
    timezone: str | None,
    *,
    keep_invalid: bool,
    report: Path | None,
) -> "Summary":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from drippulse.enrollments.csv_import import ImportRow, read_rows
    from drippulse_server.console import err
    from drippulse_server.importing import report as reports
    from drippulse_server.importing.run import import_rows

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with reports.report(report) as write, Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("rows", total=layout.rows)

        def watch(row: ImportRow) -> None:
            write(row)
            progress.advance(task)

        return import_rows(read_rows(layout, keep_invalid=keep_invalid), instance, workflow, timezone, watch)


def _show(summary: "Summary", *, dry_run: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from drippulse_server.console import out

    table = Table("rows", "")
    table.add_row("read", f"{summary.read:,}")
    table.add_row("would be enrolled" if dry_run else "enrolled", f"{summary.enrolled:,}", style="green")
    for kind, count in sorted(summary.problems.items()):
        table.add_row(kind.value.replace("_", " "), f"{count:,}", style="yellow")
    if summary.refused:
        table.add_row("refused by the instance", f"{summary.refused:,}", style="red")
    out.print(table)
    if summary.first:
        problems = Table("line", "problem", "what is wrong", title=f"The first {len(summary.first)} problems")
        for row in summary.first:
            if row.problem is not None:
                kind = row.problem.kind.value.replace("_", " ")
                problems.add_row(str(row.line), kind, Text(row.problem.message))
        out.print(problems)
