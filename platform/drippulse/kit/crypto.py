"""Secrets at rest, signed links and credential material."""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from drippulse.kit.errors import DomainError
from drippulse.settings import Settings

NONCE_BYTES = 12
SIGNATURE_BYTES = 16
KEY_ID_BYTES = 4


class DecryptionError(DomainError):
    """The ciphertext belongs to another row, another organization or another key."""

    code = "decryption_failed"
    status = 500


class SignatureError(DomainError):
    """The link was not made by this installation, or was cut off."""

    code = "invalid_link"
    status = 400


def derive_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose, so that no two uses share a key (RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"drippulse:{purpose}".encode()).derive(
        secret.encode()
    )


class Vault:
    """AES-256-GCM with the row as associated data: `key id (4) | nonce (12) | ciphertext`.

    The first secret encrypts; every one decrypts, which is how keys rotate.
    """

    def __init__(self, current: str, previous: list[str]) -> None:
        self._ciphers: dict[bytes, AESGCM] = {}
        for secret in [current, *previous]:
            key = derive_key(secret, "vault")
            self._ciphers.setdefault(hashlib.sha256(key).digest()[:KEY_ID_BYTES], AESGCM(key))
        self._current = next(iter(self._ciphers))

    @classmethod
    def of(cls, settings: Settings) -> "Vault":
        return cls(settings.secret_key.get_secret_value(), settings.secret_keys_previous)

    def encrypt(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt for the one place that `context` names (organization, table and row)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._current + nonce + self._ciphers[self._current].encrypt(nonce, plaintext, context.encode())

    def decrypt(self, blob: bytes, context: str) -> bytes:
        """Raises DecryptionError when key, context or content do not belong together."""
        cipher = self._ciphers.get(blob[:KEY_ID_BYTES])
        start = KEY_ID_BYTES + NONCE_BYTES
        if cipher is None:
            raise DecryptionError("A stored secret was encrypted with a key that is not configured any more.")
        try:
            return cipher.decrypt(blob[KEY_ID_BYTES:start], blob[start:], context.encode())
        except InvalidTag:
            raise DecryptionError("A stored secret does not belong to this record.") from None


class LinkSigner:
    """Short signed tokens for links in mails: `base64url(payload | HMAC-SHA256, cut to 128 bits)`."""

    def __init__(self, settings: Settings) -> None:
        self._key = derive_key(settings.secret_key.get_secret_value(), "links")

    def sign(self, payload: str) -> str:
        raw = payload.encode()
        return base64.urlsafe_b64encode(raw + self._mac(raw)).decode().rstrip("=")

    def verify(self, token: str) -> str:
        """Raises SignatureError for anything that `sign` did not make."""
        try:
            blob = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            blob = b""
        raw, mac = blob[:-SIGNATURE_BYTES], blob[-SIGNATURE_BYTES:]
        if not raw or not hmac.compare_digest(mac, self._mac(raw)):
            raise SignatureError("This link is incomplete or was not made here; use the link from the mail as it is.")
        return raw.decode()

    def _mac(self, raw: bytes) -> bytes:
        return hmac.digest(self._key, raw, "sha256")[:SIGNATURE_BYTES]


def sha256_hex(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
