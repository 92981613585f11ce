"""Table of definitions in the nodes dialect."""

from piccolo.columns import JSONB, BigInt, Integer
from piccolo.table import Table

from drippulse.kit.db import DB


class WorkflowNodes(Table, tablename="workflow_nodes", db=DB):
    """What a version of a workflow was compiled from, as it was sent; secrets stand as `********`."""

    organization_id = BigInt(primary_key=True)
    workflow_id = BigInt()
    version = Integer()
    definition = JSONB()
