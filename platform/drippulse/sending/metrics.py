"""What send safety counts, for Prometheus."""

from prometheus_client import Counter

BREAKER = Counter("drippulse_sending_breaker_total", "Changes of an organization's sending breaker", ["state"])
PUT_OFF = Counter("drippulse_sends_put_off_total", "Mails that could not go out when they were due", ["reason"])
REPORTS = Counter("drippulse_bounce_reports_total", "What mail providers reported", ["source", "type", "status"])
