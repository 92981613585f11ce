"""Compiled workflow versions, kept by each worker. A version never changes, so nothing has to be invalidated."""

from collections import OrderedDict
from dataclasses import replace

import orjson

from drippulse.enrollments.claim import load_version
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Role
from drippulse.workflows.graph import Graph, compile_graph
from drippulse.workflows.secrets import reveal
from drippulse.workflows.settings import stored_settings

CACHE_SIZE = 1000


class Graphs:
    """An LRU of graphs by (organization, workflow, version)."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._graphs: OrderedDict[tuple[int, int, int], Graph] = OrderedDict()

    async def get(self, organization_id: int, workflow_id: int, version: int) -> Graph | None:
        """The graph, with its secrets in plain text; None when the version does not exist.

        Raises:
            InvalidStepGraphError: the stored steps do not compile any more.
            DecryptionError: a stored secret cannot be read.
        """
        key = (organization_id, workflow_id, version)
        graph = self._graphs.get(key)
        if graph is None:
            async with self._database.session(Role.ENGINE) as session:
                row = await load_version(session, organization_id, workflow_id, version)
            if row is None:
                return None
            graph = compile_graph(reveal(orjson.loads(row["steps"]), self._vault, organization_id), check=False)
            graph = replace(graph, exits=stored_settings(orjson.loads(row["settings"])).exits)
            self._graphs[key] = graph
            while len(self._graphs) > CACHE_SIZE:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return graph
