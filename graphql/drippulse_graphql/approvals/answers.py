"""What the models of approvals are in the schema."""

from drippulse.approvals.schemas import ApprovalOut
from drippulse_graphql.kit.models.names import identified
from drippulse_graphql.kit.mutations import Subject

APPROVAL = Subject("Approval")
identified(ApprovalOut, APPROVAL.type_name)
