"""Slack's words for what went wrong, as the SDK's error taxonomy.

The Web API answers 200 `{"ok": false, "error": "<code>"}`; incoming webhooks answer 4xx or 5xx with the code as plain
text. Codes: the method pages of Slack's Web API reference and its changelog entry of 2016-05-17 on webhook errors.
"""

import re
from datetime import datetime

import httpx

from drippulse_connector_sdk import (
    AuthenticationFailed,
    ConnectorError,
    FatalError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    ProviderUnavailable,
    RateLimited,
    Rejected,
    answered_at,
    classify_response,
    lost_answer,
    parse_retry_after,
)

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited"})
# Slack says of the first two that part of the operation may have succeeded before the error.
_OUTCOME_OPEN = frozenset({"fatal_error", "internal_error", "rollup_error"})
# Slack did not act: it is away, the workspace is being moved, or the request came in truncated.
_NOT_DONE = frozenset({"service_unavailable", "team_added_to_org", "org_login_required", "request_timeout"})
_FATAL: dict[type[FatalError], frozenset[str]] = {
    AuthenticationFailed: frozenset(
        {
            "account_inactive",
            "invalid_auth",
            "invalid_token",
            "no_active_hooks",
            "no_service",
            "no_service_id",
            "no_team",
            "not_allowed_token_type",
            "not_authed",
            "team_disabled",
            "token_expired",
            "token_revoked",
        }
    ),
    PermissionDenied: frozenset(
        {
            "access_denied",
            "accesslimited",
            "action_prohibited",
            "ekm_access_denied",
            "enterprise_is_restricted",
            "missing_scope",
            "no_permission",
            "not_in_channel",
            "posting_to_general_channel_denied",
            "restricted_action",
            "restricted_action_non_threadable_channel",
            "restricted_action_read_only_channel",
            "restricted_action_thread_only_channel",
            "team_access_not_granted",
            "two_factor_setup_required",
        }
    ),
    NotFound: frozenset(
        {"channel_is_archived", "channel_not_found", "is_archived", "user_not_found", "users_not_found"}
    ),
    InvalidInput: frozenset(
        {
            "invalid_arguments",
            "invalid_blocks",
            "invalid_blocks_format",
            "invalid_cursor",
            "invalid_payload",
            "invalid_types",
            "msg_too_long",
            "no_text",
            "too_many_attachments",
        }
    ),
}
_CLASS_OF = {code: kind for kind, codes in _FATAL.items() for code in codes}
_WAY_OUT = {
    "channel_not_found": "Check the channel's name or id, and that the app may see it.",
    "invalid_auth": "Connect Slack again.",
    "is_archived": "Choose a channel that is not archived.",
    "missing_scope": "Give the Slack app the scope and install it again.",
    "no_service": "The webhook was removed: make a new one.",
    "not_in_channel": "Invite the app into the channel.",
    "users_not_found": "Nobody in the workspace has this address.",
}


def error_for(code: str, *, repeatable: bool, retry_after: float | None = None) -> ConnectorError:
    """The error for one of Slack's codes; an unknown code is a rejection, since Slack acts or answers a code."""
    said = f"Slack says {code}"
    if code in _RATE_LIMITED:
        return RateLimited(f"{said}.", retry_after=retry_after, provider_code=code)
    if code in _OUTCOME_OPEN:
        return lost_answer(said, repeatable=repeatable, provider_code=code)
    if code in _NOT_DONE:
        return ProviderUnavailable(f"{said}.", retry_after=retry_after, provider_code=code)
    return _CLASS_OF.get(code, Rejected)(f"{said}. {_WAY_OUT.get(code, '')}".rstrip(), provider_code=code)


def web_api_error(
    code: object, response: httpx.Response, *, repeatable: bool, now: datetime | None = None
) -> ConnectorError:
    """The error for `{"ok": false, "error": code}`, with its Retry-After, measured from `now` or the answer's Date."""
    retry_after = parse_retry_after(response.headers.get("Retry-After"), now=now or answered_at(response))
    return error_for(_known_form(code) or "unknown_error", repeatable=repeatable, retry_after=retry_after)


def webhook_error(response: httpx.Response, *, repeatable: bool) -> ConnectorError | None:
    """The error for an incoming webhook's answer, or None when it took the message.

    A code in the body is more exact than the status (404 `no_service` is a dead webhook, 404 `channel_not_found` is
    not); 429 and answers without a known code go by the status.
    """
    failure = classify_response(response, repeatable=repeatable)
    code = _known_form(response.text.strip())
    known = code in _CLASS_OF or code in _OUTCOME_OPEN or code in _NOT_DONE
    if failure is None or code is None or not known or isinstance(failure, RateLimited):
        return failure
    return error_for(code, repeatable=repeatable, retry_after=failure.retry_after)


def _known_form(code: object) -> str | None:
    """The code if it looks like one of Slack's; anything else may quote what was sent and is not passed on."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None
