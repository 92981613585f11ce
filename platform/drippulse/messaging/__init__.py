"""Mail: rendering, tracking, suppression, deliveries."""
