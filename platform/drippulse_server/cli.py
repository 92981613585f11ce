"""The command `drippulse`. Each command is a module of `drippulse_server.commands`; here they only get their names."""

import typer

from drippulse.kit.errors import DomainError
from drippulse_server.commands import (
    connectors,
    create_admin,
    create_api_key,
    demo,
    doctor,
    export,
    graphql,
    import_contacts,
    mailbox,
    migrate,
    scheduler,
    up,
    web,
    worker,
)
from drippulse_server.console import err, fail
from drippulse_server.failures import CommandFailure, ExitCode

HELP = """DripPulse: an agent-operable CRM and drip platform.

Start here: `drippulse up` runs everything on this machine. The other commands run single parts of it, or
work beside it: they find the running instance by its data folder, or use DRIPPULSE_DATABASE_URL.
"""

app = typer.Typer(
    name="drippulse",
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("up")(up.up)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.command("create-admin")(create_admin.create_admin)
app.command("create-api-key")(create_api_key.create_api_key)
app.command("demo")(demo.demo)
app.command("web")(web.web)
app.command("worker")(worker.worker)
app.command("scheduler")(scheduler.scheduler)
app.command("mailbox")(mailbox.mailbox)
app.command("import-contacts")(import_contacts.import_contacts)
app.add_typer(connectors.app, name="connectors")
app.add_typer(export.app, name="export")
app.add_typer(graphql.app, name="graphql")


def main() -> int:
    """Runs the command line and answers its exit code; expected failures print one sentence."""
    try:
        app()
    except CommandFailure as failure:
        fail(failure.message)
        return failure.code
    except DomainError as error:
        fail(error.message)
        for field, sentences in error.errors.items():
            err.print(f"  {field}: {' '.join(sentences)}", markup=False, soft_wrap=True)
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return 130
    return 0
