"""Auth schemes: which fields a connection holds, whether they are well formed, how they reach a request."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import quote, urlsplit

from drippulse_connector_sdk._errors import InvalidCredentials

MINIMUM_REDACTED_LENGTH = 4


@dataclass(frozen=True, slots=True)
class CredentialField:
    """One field of a connection, as a form shows it.

    Attributes:
        secret: stored encrypted, never shown again, blotted out of every error.
        required: a connection without it is refused.
        url: holds an absolute URL.
    """

    name: str
    help: str
    secret: bool = True
    required: bool = True
    url: bool = False


class AuthScheme(Protocol):
    """Declares fields, checks their shape, and turns them into request headers."""

    @property
    def kind(self) -> str:
        """Stable word for the scheme: api_key, bearer_token, webhook_url, oauth2, one_of."""
        ...

    @property
    def fields(self) -> tuple[CredentialField, ...]: ...

    def problems(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        """Field -> sentences, beyond missing required fields; empty when all is well. No value appears in it."""
        ...

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        """The headers that authenticate a request; empty when the scheme does not work through headers."""
        ...


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in a header of the provider's choosing, as `<header>: <prefix><key>`."""

    header: str
    name: str = "api_key"
    prefix: str = ""
    help: str = "The provider's API key."
    kind: str = field(default="api_key", init=False)

    @property
    def fields(self) -> tuple[CredentialField, ...]:
        return (CredentialField(self.name, self.help),)

    def problems(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        return _header_problems(self.name, values)

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        return {self.header: f"{self.prefix}{values[self.name]}"} if self.name in values else {}


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A long-lived token in `Authorization: Bearer` (RFC 6750 2.1)."""

    name: str = "access_token"
    help: str = "The provider's access token."
    kind: str = field(default="bearer_token", init=False)

    @property
    def fields(self) -> tuple[CredentialField, ...]:
        return (CredentialField(self.name, self.help),)

    def problems(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        return _header_problems(self.name, values)

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {values[self.name]}"} if self.name in values else {}


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """A URL that is itself the secret: whoever knows it may post to it. Never a header."""

    name: str = "webhook_url"
    help: str = "The provider's incoming webhook URL."
    kind: str = field(default="webhook_url", init=False)

    @property
    def fields(self) -> tuple[CredentialField, ...]:
        return (CredentialField(self.name, self.help, url=True),)

    def problems(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        problem = url_problem(values[self.name]) if self.name in values else None
        if problem is None and self.name in values and urlsplit(values[self.name]).path in {"", "/"}:
            problem = "Give the whole webhook URL with its path; this is only a host."
        return {self.name: [problem]} if problem else {}

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        del values
        return {}


@dataclass(frozen=True, slots=True)
class OAuth2:
    """Tokens of the authorization code grant, already granted; `refresh_access_token` renews them.

    Attributes:
        token_url: the provider's token endpoint; a connection may hold another one.
    """

    token_url: str
    kind: str = field(default="oauth2", init=False)

    @property
    def fields(self) -> tuple[CredentialField, ...]:
        return (
            CredentialField("access_token", "The OAuth 2.0 access token."),
            CredentialField("refresh_token", "Renews the access token when it ends.", required=False),
            CredentialField("client_id", "Your OAuth app's client id.", secret=False, required=False),
            CredentialField("client_secret", "Your OAuth app's client secret.", required=False),
            CredentialField("token_url", f"Default: {self.token_url}", secret=False, required=False, url=True),
        )

    def problems(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        found = _header_problems("access_token", values)
        if "token_url" in values and (problem := url_problem(values["token_url"])):
            found["token_url"] = [problem]
        if "refresh_token" in values and "client_id" not in values:
            found["client_id"] = ["A refresh_token is of no use without the client_id it was granted to."]
        return found

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {values['access_token']}"} if "access_token" in values else {}


@dataclass(frozen=True, slots=True)
class OneOf:
    """Several schemes of which a connection holds one or more; each has one required field, which is optional here."""

    schemes: tuple[AuthScheme, ...]
    kind: str = field(default="one_of", init=False)

    @property
    def fields(self) -> tuple[CredentialField, ...]:
        return tuple(replace(one, required=False) for scheme in self.schemes for one in scheme.fields)

    def problems(self, values: Mapping[str, str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for scheme in self.schemes:
            found |= scheme.problems(values)
        if not any(_complete(scheme, values) for scheme in self.schemes):
            names = [one.name for scheme in self.schemes for one in scheme.fields if one.required]
            found[names[0]] = [*found.get(names[0], []), f"Give {' or '.join(names)}."]
        return found

    def headers(self, values: Mapping[str, str]) -> dict[str, str]:
        for scheme in self.schemes:
            if headers := scheme.headers(values):
                return headers
        return {}


class Credentials(Mapping[str, str]):
    """The checked fields of one connection; absent and blank fields are not in it. Its repr shows no secret."""

    __slots__ = ("_fields", "_values")

    def __init__(
        self, raw: Mapping[str, object], *, auth: AuthScheme, settings: tuple[CredentialField, ...] = ()
    ) -> None:
        """Check `raw` against the scheme's fields and the connector's further `settings`.

        Raises:
            InvalidCredentials: `errors` names the fields; no value is in it.
        """
        self._fields = {one.name: one for one in (*auth.fields, *settings)}
        errors = {
            name: [f"Unknown field. Known: {', '.join(self._fields)}."] for name in raw if name not in self._fields
        }
        self._values: dict[str, str] = {}
        for name, one in self._fields.items():
            value = raw.get(name)
            if isinstance(value, str) and value.strip():
                self._values[name] = value.strip()
            elif isinstance(value, str) or value is None:
                if one.required:
                    errors[name] = ["This field is required."]
            else:
                errors[name] = ["Give a text."]
        errors |= auth.problems(self._values) if not errors else {}
        if errors:
            raise InvalidCredentials(f"The connection's fields are not right: {', '.join(errors)}.", errors=errors)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shown = (
            f"{name}={'***' if self._fields[name].secret else repr(value)}" for name, value in self._values.items()
        )
        return f"Credentials({', '.join(shown)})"

    def secrets(self) -> frozenset[str]:
        """Every text to blot out of errors: the secrets, percent-encoded too, and of URLs their path and its end."""
        found: set[str] = set()
        for name, value in self._values.items():
            one = self._fields[name]
            if not one.secret:
                continue
            found |= {value, quote(value, safe="")}
            if one.url:
                path = urlsplit(value).path
                found |= {path, path.rstrip("/").rpartition("/")[2]}
        return frozenset(text for text in found if len(text) >= MINIMUM_REDACTED_LENGTH)


def url_problem(url: str) -> str | None:
    """Why `url` may not be called, as a sentence, or None: https only, http to this very machine alone.

    Whether the host may be reached is the injected client's business.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "This is not a URL."
    if parts.scheme not in {"http", "https"} or not host:
        return "Give an absolute https:// URL."
    if parts.username is not None or parts.password is not None:
        return "Leave user name and password out of the URL."
    if any(character.isspace() or not character.isprintable() for character in url):
        return "The URL holds blanks or control characters."
    return "Use https://." if parts.scheme == "http" and not _loopback(host) else None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _complete(scheme: AuthScheme, values: Mapping[str, str]) -> bool:
    return all(one.name in values for one in scheme.fields if one.required)


def _header_problems(name: str, values: Mapping[str, str]) -> dict[str, list[str]]:
    """A header value is visible ASCII (RFC 9110 5.5): anything else is a slip in copying, or an injection."""
    if all("!" <= character <= "~" for character in values.get(name, "")):
        return {}
    return {name: ["It holds blanks, line breaks or other characters that no such key has. Copy it again."]}
