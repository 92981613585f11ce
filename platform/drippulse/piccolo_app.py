"""The Piccolo app: every table, and where the migrations lie."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="drippulse",
    migrations_folder_path=str(Path(__file__).parent / "migrations" / "versions"),
    table_classes=table_finder(
        modules=[
            "drippulse.organizations.tables",
            "drippulse.projects.tables",
            "drippulse.workflows.tables",
            "drippulse.workflows.publishing.tables",
            "drippulse.enrollments.tables",
            "drippulse.approvals.tables",
            "drippulse.stalls.tables",
            "drippulse.messaging.tables",
            "drippulse.sending.tables",
            "drippulse.events.tables",
            "drippulse.integrations.tables",
            "drippulse.graphql_clients.tables",
            "drippulse.crm.tables",
            "drippulse.crm.changes.tables",
            "drippulse.crm.custom_fields.tables",
            "drippulse.crm.importing.tables",
            "drippulse.lead_forms.tables",
            "drippulse.mail_templates.tables",
            "drippulse.workflows.nodes.tables",
            "drippulse.kit.idempotency.tables",
        ]
    ),
)
