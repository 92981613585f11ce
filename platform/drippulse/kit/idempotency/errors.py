"""Errors of idempotency keys."""

from drippulse.kit.errors import BadRequestError, ConflictError, ValidationError


class InvalidIdempotencyKeyError(BadRequestError):
    code = "invalid_idempotency_key"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be 1 to 255 printable ASCII characters.")


class IdempotencyMismatchError(ValidationError):
    """The key was used with another body."""

    code = "idempotency_mismatch"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used with another body within the last 24 hours. Use a new key for a new request."
        )


class IdempotencyInFlightError(ConflictError):
    """The first request with this key is still running."""

    code = "idempotency_in_flight"

    def __init__(self) -> None:
        super().__init__("The first request with this Idempotency-Key is still running. Send it again in a moment.")
