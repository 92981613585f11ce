"""What the models of approvals are in the schema."""

from drippulse.approvals.schemas import ApprovalOut
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import identified

APPROVAL = Subject("Approval")
identified(ApprovalOut, APPROVAL.type_name)
