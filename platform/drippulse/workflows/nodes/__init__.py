"""The nodes dialect: nodes with `nextNodeId`, compiled to the same steps that every workflow runs on."""
