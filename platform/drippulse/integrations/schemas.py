"""What goes in and out of connections."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from drippulse.integrations.tables import ConnectionStatus
from drippulse.kit.errors import ValidationError
from drippulse.kit.validation import Input, Trimmed

ConnectionKey = Annotated[str, Trimmed(200)]
Provider = Annotated[str, Trimmed(100)]
Note = Annotated[str, StringConstraints(max_length=10_000)]
Status = Annotated[ConnectionStatus, Field(strict=False)]
Secret = Annotated[str, StringConstraints(max_length=20_000)]

READ_ONLY = frozenset({"id", "organization_id", "secret_names", "connector_installed", "created_at", "updated_at"})
"""Fields of an answer that a client may echo back; they are ignored."""

EXTERNAL_KEY = "Another name for connection_key."
CREDENTIALS = "The provider's fields; they may also stand top level or in `secrets`. Never answered again."


class ConnectionInput(Input):
    """The provider's own fields (`bot_token`, `api_key`, ...) are what the model does not name itself."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Secret | None]  # pyright: ignore[reportIncompatibleVariableOverride] -- pydantic's way

    credentials: dict[str, Secret | None] | None = Field(default=None, description=CREDENTIALS)
    secrets: dict[str, Secret | None] | None = Field(default=None, description="The same as credentials.")

    def given_secrets(self) -> dict[str, str | None]:
        """Field -> value as sent in any of the three places; None asks to remove it.

        Raises:
            ValidationError: one field was sent twice with different values.
        """
        places = (self.__pydantic_extra__, self.secrets or {}, self.credentials or {})
        found: dict[str, str | None] = {}
        for place in places:
            for name, value in place.items():
                if name in found and found[name] != value:
                    sentence = f"{name[:64]} is sent twice with different values; send it once."
                    raise ValidationError(sentence, errors={name: [sentence]})
                found[name] = value
        return found

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Names alone: a repr may end up in a log."""
        yield None, sorted(self.model_fields_set)


class ConnectionCreate(ConnectionInput):
    """A new connection. Which fields a provider has is told when one is missing or unknown."""

    provider: Provider = Field(description="A provider key, such as slack, or one of its aliases.")
    connection_key: ConnectionKey = Field(
        default="default", description="Tells several connections of one provider apart; steps refer to it."
    )
    external_key: ConnectionKey | None = Field(default=None, description=EXTERNAL_KEY)
    status: Status = Field(default=ConnectionStatus.ACTIVE, description="active or disabled.")
    note: Note = ""


class ConnectionUpdate(ConnectionInput):
    """What to change; fields left out stay as they are, the provider's own fields too. null removes one of those."""

    provider: Provider | None = Field(default=None, description="Cannot change; may be echoed.")
    connection_key: ConnectionKey | None = None
    external_key: ConnectionKey | None = Field(default=None, description=EXTERNAL_KEY)
    status: Status | None = Field(default=None, description="active or disabled; new secrets end needs_reauth.")
    note: Note | None = None


class ConnectionOut(BaseModel):
    """A connection. Secrets are stored encrypted and never answered, only the names of those that are held."""

    id: int
    provider: str
    connection_key: str
    external_key: str = Field(description="The same as connection_key.")
    status: ConnectionStatus
    note: str
    secret_names: list[str]
    connector_installed: bool = Field(description="Whether steps can use it on this server.")
    created_at: datetime
    updated_at: datetime


class ConnectionList(BaseModel):
    integration_connections: list[ConnectionOut]
    total_count: int
    next_cursor: str | None = Field(default=None, description="Present in paginated answers; null on the last page.")


class ConnectionTestOut(BaseModel):
    """The provider was asked and accepts the credentials, as far as that can be known without an effect."""

    ok: bool
    message: str
    integration_connection: ConnectionOut
