"""The connector base class."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import ValidationError

from drippulse_connector_sdk._actions import Action, ActionCall, ActionResult, Idempotency, collect_actions
from drippulse_connector_sdk._auth import AuthScheme, CredentialField, Credentials
from drippulse_connector_sdk._errors import ConnectorError, UnsupportedAction
from drippulse_connector_sdk._http import HttpClient, lost_answer, send

ENTRY_POINT_GROUP = "drippulse.connectors"
CONNECTOR_KEY = re.compile(r"[a-z][a-z0-9_]{1,63}")
_REQUIRED = ("key", "name", "description", "base_url", "auth")


class Connector:
    """One provider. A subclass sets the class attributes, decorates methods with `@action` and overrides `check`.

    A package offers its class under the entry point group `drippulse.connectors`, named like its `key`.

    Attributes:
        key: what workflows and connections call the provider (`slack`).
        aliases: other names for it.
        base_url: the provider's own address; the constructor may override it.
        auth: the fields a connection needs to authenticate.
        settings: further fields of a connection (`default_channel`).
        actions: collected from the decorated methods, by name.
    """

    key: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    auth: ClassVar[AuthScheme]
    settings: ClassVar[tuple[CredentialField, ...]] = ()
    actions: ClassVar[Mapping[str, Action]] = MappingProxyType({})
    base_url: str

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the class attributes and collect the actions.

        Raises:
            TypeError: one is missing or malformed, so a broken connector fails on import and not on its first call.
        """
        super().__init_subclass__(**kwargs)
        if missing := [name for name in _REQUIRED if not hasattr(cls, name)]:
            raise TypeError(f"{cls.__qualname__} must set {', '.join(missing)}")
        if cls.check is Connector.check:
            raise TypeError(f"{cls.__qualname__} must override check()")
        for key in (cls.key, *cls.aliases):
            if not CONNECTOR_KEY.fullmatch(key):
                raise TypeError(f"{cls.__qualname__}: the key or alias {key!r} does not match {CONNECTOR_KEY.pattern}")
        cls.actions = MappingProxyType(collect_actions(cls))

    def __init__(self, credentials: Mapping[str, object], http: HttpClient, base_url: str | None = None) -> None:
        """One connection of one organization.

        Args:
            credentials: the connection's fields, secrets in clear.
            http: sends every request; stays the caller's to close.
            base_url: takes the place of scheme, host and port in every URL that is called, whatever the connection
                holds (see `rebase`), so that a test server catches everything.

        Raises:
            InvalidCredentials: a field is missing, unknown or malformed.
            ValueError: `base_url` is not an absolute http(s) URL without query and fragment.
        """
        self.credentials = Credentials(credentials, auth=self.auth, settings=self.settings)
        self._http = http
        self._override = base_url is not None
        if base_url is not None:
            _check_base_url(base_url)
            self.base_url = base_url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.base_url}>"

    @classmethod
    def credential_fields(cls) -> tuple[CredentialField, ...]:
        """Every field a connection of this provider may hold."""
        return (*cls.auth.fields, *cls.settings)

    async def invoke(self, name: str, payload: Mapping[str, Any], idempotency_key: str | None = None) -> ActionResult:
        """Run one action.

        Args:
            idempotency_key: the same over all attempts of one step visit; makes a KEYED action repeatable.

        Raises:
            UnsupportedAction: there is no action `name`.
            InvalidInput: the payload does not fit it; nothing was sent.
            ConnectorError: sorted by recovery (see the error classes); no secret of the connection is in its texts.
        """
        if name not in self.actions:
            known = ", ".join(sorted(self.actions)) or "none"
            raise UnsupportedAction(f"{self.key} has no action {name[:64]!r}. It has: {known}.")
        action = self.actions[name]
        call = ActionCall(name, action.idempotency, idempotency_key)
        with self._clean_errors():
            data = action.parse(payload)
            try:
                output = await action.handler(self, call, data)
            except ValidationError:  # of the answer: the payload is parsed already
                failure = lost_answer(
                    "The provider's answer lacks what it documents",
                    repeatable=call.repeatable,
                    code="unexpected_response",
                )
            else:
                return ActionResult(output.model_dump(mode="json"))
            raise failure

    async def test_connection(self) -> None:
        """Ask the provider whether the credentials work, as far as that is possible without an effect.

        Raises:
            ConnectorError: they do not (`AuthenticationFailed`), or that cannot be known now (`RetriableError`).
        """
        with self._clean_errors():
            await self.check(ActionCall("test_connection", Idempotency.READ))

    async def check(self, call: ActionCall) -> None:
        """What `test_connection` does for this provider; a subclass overrides it."""
        raise NotImplementedError(f"{type(self).__name__} must override check()")

    async def send(
        self,
        call: ActionCall,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Send one request of `call`; any answer is returned, whatever its status.

        Args:
            url: from `url()` or `rebase()`.
            headers: whole; the scheme's own are `self.auth.headers(self.credentials)`.
            timeout: seconds for each phase; default: the platform's.

        Raises:
            ConnectorError: no answer came.
        """
        return await send(
            self._http,
            method,
            url,
            repeatable=call.repeatable,
            headers=headers,
            params=params,
            json=json,
            content=content,
            timeout=timeout,
        )

    def url(self, path: str) -> str:
        """`path` below the base URL."""
        return f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"

    def rebase(self, url: str) -> str:
        """An absolute URL that the connection holds (a webhook, an instance, a token endpoint), ready to be called.

        Without an override it is the URL itself; with one, the override takes the place of scheme, host and port.
        """
        if not self._override:
            return url
        base, parts = urlsplit(self.base_url), urlsplit(url)
        return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + parts.path, parts.query, ""))

    @contextmanager
    def _clean_errors(self) -> Generator[None]:
        """Blot the connection's secrets out of whatever error leaves, and cut off what hangs on to it."""
        try:
            yield
        except ConnectorError as error:
            error.redact(self.credentials.secrets())
            error.__context__ = None
            raise error from None


def _check_base_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        extras = (parts.username, parts.password, parts.query, parts.fragment)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets without an address, a port out of range
        whole, extras = False, ()
    if not whole or any(extras):
        raise ValueError("base_url must be an absolute http(s) URL without credentials, query and fragment")
