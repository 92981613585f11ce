"""What enums are called in the schema whose class names say too little there, and those that a model only lists."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from drippulse.crm.custom_fields.tables import FieldType
from drippulse.enrollments.actions import Action
from drippulse.enrollments.holding import Clock, Late
from drippulse.enrollments.unknown_schemas import Decision
from drippulse.lead_forms.tables import FormStatus, InputType
from drippulse.organizations.tables import MemberRole
from drippulse.stalls.tables import Resolution
from drippulse.workflows.publishing.tables import Strategy

ENUMS: Final[Mapping[type[Enum], str]] = {
    Action: "EnrollmentAction",
    Clock: "ResumeClock",
    Decision: "UnknownSendDecision",
    FieldType: "CustomFieldType",
    FormStatus: "LeadFormStatus",
    InputType: "LeadFormInputType",
    Late: "LateRuns",
    MemberRole: "Role",
    Resolution: "StallResolution",
    Strategy: "PublishingStrategy",
}
LITERALS: Final[Mapping[tuple[str, ...], str]] = {
    ("GET", "POST"): "HttpMethod",
    ("account", "contact", "lead"): "ComparedType",
    ("all", "any"): "CriterionMatch",
    ("approve", "reject"): "ApprovalDecision",
    ("completed", "running"): "TagChangeStatus",
    ("dmy", "mdy"): "DateOrder",
    ("mon", "tue", "wed", "thu", "fri", "sat", "sun"): "Weekday",
    ("rename", "delete"): "TagAction",
    ("resend", "skip"): "OutcomeDecision",
    ("skip", "fail"): "OnConflict",
    ("unsubscribe", "bounce", "complaint", "manual"): "SuppressionReason",
}
"""The values that a model lists -> the enum's name."""
