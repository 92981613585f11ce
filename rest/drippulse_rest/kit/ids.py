"""The ids in paths, as Litestar reads and documents them."""

from typing import Annotated, TypeAlias

from litestar.params import PathParameter

WorkflowId: TypeAlias = Annotated[int, PathParameter(description="Id of a workflow.")]
EnrollmentId: TypeAlias = Annotated[int, PathParameter(description="Id of an enrollment of that workflow.")]
ApprovalId: TypeAlias = Annotated[int, PathParameter(description="Id of an approval.")]
ConnectionId: TypeAlias = Annotated[int, PathParameter(description="Id of an integration connection.")]
