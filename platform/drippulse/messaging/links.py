"""The links that our mails carry: signed, short, and pointing at nothing but what was in the mail."""

from dataclasses import dataclass
from urllib.parse import quote

from drippulse.kit.crypto import LinkSigner, SignatureError
from drippulse.settings import Settings


@dataclass(frozen=True, slots=True)
class MailRef:
    """Which mail a link belongs to: the step visit that sent it."""

    organization_id: int
    enrollment_id: int
    visit: int

    def __str__(self) -> str:
        return f"{self.organization_id}:{self.enrollment_id}:{self.visit}"


class TrackingLinks:
    """Makes and reads the links of one installation. Kinds (open, click, unsubscribe) do not pass for one another."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.public_url.rstrip("/")
        self._signer = LinkSigner(settings)

    def pixel(self, ref: MailRef) -> str:
        return f"{self._base}/track/n/pixel.gif?t={self._signer.sign(f'o:{ref}')}"

    def click(self, ref: MailRef, index: int, url: str) -> str:
        """`u` is for the reader's eye alone; the redirect takes the URL that was stored with the mail."""
        return f"{self._base}/track/n/click?t={self._signer.sign(f'c:{ref}:{index}')}&u={quote(url[:200], safe='')}"

    def unsubscribe(self, ref: MailRef) -> str:
        return f"{self._base}/track/n/unsubscribe?t={self._signer.sign(f'u:{ref}')}"

    def read(self, kind: str, token: str) -> tuple[MailRef, int]:
        """The mail, and for clicks the link's index, behind a token of this kind (`o`, `c`, `u`).

        Raises:
            SignatureError: cut off, forged, or of another kind.
        """
        parts = self._signer.verify(token).split(":")
        if parts[0] != kind or len(parts) not in {4, 5}:
            raise SignatureError("This link is for something else; use the link from the mail as it is.")
        return MailRef(int(parts[1]), int(parts[2]), int(parts[3])), int(parts[4]) if len(parts) == 5 else 0
