"""What a DripPulse connector is written against: connector, typed action, auth scheme, errors, HTTP client.

Everything public is here; the modules behind it are private. `drippulse_connector_sdk.testing` holds the contract
suite (extra `testing`).
"""

from drippulse_connector_sdk._actions import (
    Action,
    ActionCall,
    ActionInput,
    ActionOutput,
    ActionResult,
    Idempotency,
    action,
)
from drippulse_connector_sdk._auth import (
    ApiKey,
    AuthScheme,
    BearerToken,
    CredentialField,
    Credentials,
    OAuth2,
    OneOf,
    WebhookUrl,
)
from drippulse_connector_sdk._connector import CONNECTOR_KEY, ENTRY_POINT_GROUP, Connector
from drippulse_connector_sdk._errors import (
    AuthenticationFailed,
    ConnectorError,
    EgressRefused,
    FatalError,
    InvalidCredentials,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    Rejected,
    RetriableError,
    UnsupportedAction,
)
from drippulse_connector_sdk._http import (
    HttpClient,
    classify_exception,
    classify_response,
    json_object,
    lost_answer,
    parse_retry_after,
    raise_for_status,
    send,
)
from drippulse_connector_sdk._oauth2 import TokenSet, refresh_access_token

__all__ = [
    "CONNECTOR_KEY",
    "ENTRY_POINT_GROUP",
    "Action",
    "ActionCall",
    "ActionInput",
    "ActionOutput",
    "ActionResult",
    "ApiKey",
    "AuthScheme",
    "AuthenticationFailed",
    "BearerToken",
    "Connector",
    "ConnectorError",
    "CredentialField",
    "Credentials",
    "EgressRefused",
    "FatalError",
    "HttpClient",
    "Idempotency",
    "InvalidCredentials",
    "InvalidInput",
    "NotFound",
    "OAuth2",
    "OneOf",
    "OutcomeUnknown",
    "PermissionDenied",
    "ProviderUnavailable",
    "RateLimited",
    "Rejected",
    "RetriableError",
    "TokenSet",
    "UnsupportedAction",
    "WebhookUrl",
    "action",
    "classify_exception",
    "classify_response",
    "json_object",
    "lost_answer",
    "parse_retry_after",
    "raise_for_status",
    "refresh_access_token",
    "send",
]
