"""Errors of converting leads."""

from drippulse.crm.presentation import Row
from drippulse.kit.clock import isoformat
from drippulse.kit.errors import ConflictError, ValidationError


class LeadConvertedError(ConflictError):
    """A lead is converted once."""

    code = "lead_already_converted"

    def __init__(self, lead: Row) -> None:
        ids = {name: lead[f"converted_{name}"] for name in ("account_id", "contact_id", "opportunity_id")}
        at = isoformat(lead["converted_at"])
        super().__init__(
            f"This lead was converted at {at}. Go on with its contact, or revert the changeset of its conversion.",
            extra={name: None if value is None else str(value) for name, value in ids.items()},
        )


class NamelessAccountError(ValidationError):
    """An account was asked for, and nothing says what it is called."""

    def __init__(self) -> None:
        sentence = 'The lead has no company; give the account a name, or send "account": null for none.'
        super().__init__(f"account.name: {sentence}", errors={"account.name": [sentence]})
