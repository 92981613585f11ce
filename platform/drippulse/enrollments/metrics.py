"""What the engine counts, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

STEPS = Counter("drippulse_steps_total", "Finished step attempts", ["type", "status"])
ENDED = Counter("drippulse_enrollments_ended_total", "Enrollments that came to an end", ["status"])
EFFECTS = Counter("drippulse_effects_total", "Calls to other systems, by outcome", ["type", "outcome"])
FENCED = Counter("drippulse_fenced_total", "Commits refused because another worker had taken over")
CLAIMED = Counter("drippulse_claimed_total", "Enrollments claimed")
IN_FLIGHT = Gauge(
    "drippulse_effects_in_flight",
    "Enrollments whose effects are in flight or wait for a slot",
    multiprocess_mode="livesum",
)
LATENESS = Histogram(
    "drippulse_lateness_seconds",
    "From due to claimed",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600),
)
