"""Signatures of the Standard Webhooks specification, version 1 (HMAC-SHA256)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix, not a secret
MIN_SECRET_BYTES = 24
MAX_SECRET_BYTES = 64
TOLERANCE_SECONDS = 300
MAX_TIMESTAMP_DIGITS = 12


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(MIN_SECRET_BYTES)).decode()


def secret_key(secret: str) -> bytes | None:
    """The key inside `whsec_<base64 of 24 to 64 bytes>`, or None when `secret` is not one."""
    if not secret.startswith(SECRET_PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES else None


def signed_headers(key: bytes | None, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp` (Unix seconds) and, with a key, `webhook-signature: v1,<base64>`."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if key is not None:
        signed = f"{message_id}.{timestamp}.".encode() + body
        signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        headers["webhook-signature"] = f"v1,{signature}"
    return headers


def is_signed(key: bytes, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the three `webhook-` headers prove that the sender of `body` has `key`, within the last 5 minutes."""
    message_id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not (sent.isascii() and sent.isdigit() and len(sent) <= MAX_TIMESTAMP_DIGITS):
        return False
    if abs(now.timestamp() - int(sent)) > TOLERANCE_SECONDS:
        return False
    expected = signed_headers(key, message_id, int(sent), body)["webhook-signature"].encode()
    given = headers.get("webhook-signature", "").encode(errors="replace").split()
    return any([hmac.compare_digest(expected, one) for one in given])  # noqa: C419 - the same time for each
