"""Stored connections."""

from enum import StrEnum

from piccolo.columns import Array, BigInt, BigSerial, Bytea, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from drippulse.kit.db import DB


class ConnectionStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    NEEDS_REAUTH = "needs_reauth"


class IntegrationConnection(Table, tablename="integration_connection", db=DB):
    """Credentials for one account at one provider; `secrets` is AES-GCM ciphertext bound to this row."""

    id = BigSerial(primary_key=True)
    organization_id = BigInt()
    provider = Text()
    connection_key = Text(default="default")
    status = Text(default=ConnectionStatus.ACTIVE, choices=ConnectionStatus)
    note = Text(default="")
    secrets = Bytea()
    secret_names = Array(base_column=Text(), help_text="names of the fields held, never their values")
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())
