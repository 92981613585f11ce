"""What the watchdog counts, for Prometheus."""

from prometheus_client import Gauge

STALLED = Gauge(
    "drippulse_stalled_enrollments",
    "Active enrollments that nobody moves although somebody should",
    multiprocess_mode="livemax",
)
