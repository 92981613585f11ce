"""Errors of simulations, each with the way out."""

from enum import StrEnum

from drippulse.kit.errors import DomainError, RateLimitedError, ValidationError


class TooManyContactsError(ValidationError):
    """More contacts than one simulation takes."""

    code = "too_many_contacts"
    status = 413

    def __init__(self, given: int, most: int) -> None:
        super().__init__(
            f"{given} contacts are too many for one simulation; send at most {most}, such as a random sample.",
            errors={"contacts": [f"At most {most}."]},
        )


class Spent(StrEnum):
    """What a simulation has used up."""

    CPU_TIME = "its CPU time"
    MEMORY = "its memory"


class SimulationTooLargeError(ValidationError):
    """It needed more time or memory than one simulation has."""

    code = "simulation_too_large"

    def __init__(self, spent: str) -> None:
        self.spent = spent
        super().__init__(
            f"The simulation used up {spent} and was stopped. Send fewer contacts, an earlier `until`, "
            "or no `compare_with`."
        )


class SimulationRunningError(RateLimitedError):
    """Another simulation of this organization, or too many of this installation, are under way."""

    code = "simulation_running"


class SimulationBrokeError(DomainError):
    """The simulating process ended without an answer."""

    code = "simulation_failed"
    status = 500


class NoContactsError(ValidationError):
    """The source has nobody to simulate with."""

    code = "contacts_empty"


class NoDraftError(ValidationError):
    """The workflow has no draft to simulate."""

    code = "no_draft"
