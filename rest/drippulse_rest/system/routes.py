"""Health and metrics."""

import os
from collections.abc import Sequence

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from drippulse_rest.kit.answers import json_answer
from drippulse_rest.kit.request import ApiRequest
from drippulse_rest.kit.routes import route
from drippulse_rest.system.checks import check_health
from drippulse_rest.system.schemas import HealthOut

TAG = "System"


async def health(request: ApiRequest) -> Response[bytes]:
    """Asks PostgreSQL, Redis and the sweeper's heartbeat. Needs no credentials."""
    checks = await check_health(request.services)
    healthy = set(checks.values()) == {"ok"}
    content = {"status": "ok" if healthy else "degraded", "checks": checks}
    return json_answer(content, status=200 if healthy else 503)


def _health_route(path: str, operation_id: str) -> HTTPRouteHandler:
    declare = route(
        "GET",
        path,
        operation_id=operation_id,
        permission=None,
        tag=TAG,
        summary="Health",
        answer=HealthOut,
        other_statuses={503: HealthOut},
    )
    return declare(health)


@route(
    "GET",
    "/metrics",
    operation_id="readMetrics",
    permission=None,
    tag=TAG,
    summary="Prometheus metrics",
    answer_text="Metrics in the Prometheus text format.",
)
async def metrics() -> Response[bytes]:
    """Counts and timings by route template, step type and outcome; no data of any organization.

    Of this process, or of all on this host that share its `PROMETHEUS_MULTIPROC_DIR`, as those of `drippulse up` do.
    """
    return Response(generate_latest(_registry()), media_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # registers itself
    return shared


API_ROUTES: Sequence[HTTPRouteHandler] = (_health_route("/health", "getApiHealth"),)
"""Below /api/v1."""
ROOT_ROUTES: Sequence[HTTPRouteHandler] = (_health_route("/health", "getHealth"), metrics)
