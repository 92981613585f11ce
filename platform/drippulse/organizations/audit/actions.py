"""What the audit log records."""

from enum import StrEnum


class AuditAction(StrEnum):
    """One kind of act; what each tells in `details` stands in the documentation."""

    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    LOGIN_THROTTLED = "login.throttled"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an act
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    MEMBER_CREATED = "member.created"
    MEMBER_INVITED = "member.invited"
    INVITATION_RESENT = "member.invitation_resent"
    MEMBER_ACCEPTED = "member.accepted"
    MEMBER_CHANGED = "member.changed"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_RESTORED = "member.restored"
    ACCOUNT_UPDATED = "account.updated"
    BILLING_UPDATED = "billing.updated"
    CONNECTION_CREATED = "connection.created"
    CONNECTION_UPDATED = "connection.updated"
    CONNECTION_DELETED = "connection.deleted"
    CONNECTION_TESTED = "connection.tested"
    DATA_SOURCE_CREATED = "data_source.created"
    DATA_SOURCE_UPDATED = "data_source.updated"
    DATA_SOURCE_DELETED = "data_source.deleted"
    EXPORT_STARTED = "export.started"
    IMPORT_STARTED = "import.started"
    LEAD_FORM_CREATED = "lead_form.created"
    LEAD_FORM_UPDATED = "lead_form.updated"
    LEAD_FORM_TOKEN_ROTATED = "lead_form.token_rotated"  # noqa: S105 - the name of an act
    LEAD_FORM_DELETED = "lead_form.deleted"
    GRAPHQL_DOCUMENTS_REGISTERED = "graphql_documents.registered"
    GRAPHQL_DOCUMENT_DELETED = "graphql_document.deleted"
