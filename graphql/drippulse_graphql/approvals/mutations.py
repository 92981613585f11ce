"""The mutations of this feature."""

from drippulse_graphql.approvals.decide_approval import decide_approval
from drippulse_graphql.kit.declared import Declared

MUTATIONS: tuple[Declared, ...] = (decide_approval,)
