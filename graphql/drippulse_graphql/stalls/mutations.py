"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.stalls.repair_stalls import repair_stalls

MUTATIONS: tuple[Declared, ...] = (repair_stalls,)
