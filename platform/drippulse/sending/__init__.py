"""Send safety: caps, quiet hours, ramp-up, the breaker, bounces and complaints, the suppression list."""
