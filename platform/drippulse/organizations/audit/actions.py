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
    EXPORT_STARTED = "export.started"
    IMPORT_STARTED = "import.started"
