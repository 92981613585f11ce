"""How much may be open at one time."""

from dataclasses import dataclass

from drippulse_graphql.subscriptions.errors import TooManySubscriptionsError


@dataclass(frozen=True, slots=True)
class Limits:
    """Operations on one connection; subscriptions of an organization in one process."""

    per_connection: int = 50
    per_organization: int = 2_000

    def one_more_operation(self, there: int) -> None:
        """Raises TooManySubscriptionsError."""
        if there >= self.per_connection:
            raise TooManySubscriptionsError(
                f"A connection may have {self.per_connection} operations at one time. Complete some, or open another."
            )

    def one_more_subscription(self, there: int) -> None:
        """Raises TooManySubscriptionsError."""
        if there >= self.per_organization:
            raise TooManySubscriptionsError(
                f"Your organization has {self.per_organization} subscriptions open here already. Complete some first."
            )


USUAL = Limits()
