"""What can go wrong with an embedded service."""


class EmbeddedServiceError(Exception):
    """An embedded service cannot run; the message is one sentence with the way out."""
