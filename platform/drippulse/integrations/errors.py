"""Errors of connections."""

from drippulse.kit.errors import ConflictError, ValidationError


class ConnectionExistsError(ConflictError):
    """There is a connection of this provider with this connection_key."""

    code = "connection_exists"

    def __init__(self, provider: str, connection_key: str) -> None:
        super().__init__(
            f'There is a {provider} connection "{connection_key}" already. Change that one, or choose another '
            "connection_key.",
            errors={"connection_key": ["Taken for this provider."]},
        )


class UnreadableSecretsError(ConflictError):
    """The ciphertext does not belong to this row, or its key is not configured any more."""

    code = "secrets_unreadable"

    def __init__(self) -> None:
        super().__init__(
            "The stored secrets of this connection cannot be decrypted: its encryption key is not configured any "
            "more. Configure the earlier key, or delete the connection and make it again."
        )


class ConnectorNotInstalledError(ValidationError):
    code = "connector_not_installed"

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"No connector for {provider} is installed on this server, so the connection is stored but cannot be used "
            "yet. Install its package and restart."
        )


class ConnectionTestFailedError(ValidationError):
    """The provider did not accept the connection, or could not be asked. `extra` has reason and status."""

    code = "connection_test_failed"
