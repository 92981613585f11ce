"""Request metrics for Prometheus."""

from functools import lru_cache

from prometheus_client import Counter, Histogram

REQUESTS = Counter("drippulse_http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "drippulse_http_request_seconds",
    "Time from the request's arrival to its last byte.",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer. `route` is a template such as /api/v1/workflows/{workflow_id}, never a path."""
    counter, histogram = _children(method if method in METHODS else "other", route, status)
    counter.inc()
    histogram.observe(seconds)


@lru_cache(maxsize=2048)
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)
