"""Auth schemes and the credentials of a connection."""

import pytest

from drippulse_connector_sdk import (
    ApiKey,
    AuthScheme,
    BearerToken,
    CredentialField,
    Credentials,
    InvalidCredentials,
    OAuth2,
    OneOf,
    WebhookUrl,
)

CHANNEL = CredentialField("default_channel", "Where to.", secret=False, required=False)
EITHER = OneOf((WebhookUrl(), BearerToken(name="bot_token")))
HOOK = "https://hooks.slack.com/services/T1/B1/verysecret"


def _errors(raw: dict[str, object], auth: AuthScheme) -> dict[str, list[str]]:
    with pytest.raises(InvalidCredentials) as caught:
        Credentials(raw, auth=auth, settings=(CHANNEL,))
    return caught.value.errors


@pytest.mark.parametrize(
    ("auth", "raw", "headers"),
    [
        (ApiKey(header="X-Key"), {"api_key": "k-1"}, {"X-Key": "k-1"}),
        (ApiKey(header="Authorization", name="key", prefix="Token "), {"key": "k-1"}, {"Authorization": "Token k-1"}),
        (BearerToken(), {"access_token": " t-1 "}, {"Authorization": "Bearer t-1"}),
        (WebhookUrl(), {"webhook_url": HOOK}, {}),
        (OAuth2(token_url="https://x.test/token"), {"access_token": "t-1"}, {"Authorization": "Bearer t-1"}),
        (EITHER, {"bot_token": "b-1", "webhook_url": HOOK}, {"Authorization": "Bearer b-1"}),
        (EITHER, {"webhook_url": HOOK, "bot_token": ""}, {}),
    ],
)
def test_scheme_makes_headers(auth: AuthScheme, raw: dict[str, object], headers: dict[str, str]) -> None:
    assert auth.headers(Credentials(raw, auth=auth)) == headers


@pytest.mark.parametrize(
    ("auth", "raw", "field"),
    [
        (BearerToken(), {}, "access_token"),
        (BearerToken(), {"access_token": "  "}, "access_token"),
        (BearerToken(), {"access_token": None}, "access_token"),
        (BearerToken(), {"access_token": 7}, "access_token"),
        (BearerToken(), {"access_token": "a b"}, "access_token"),
        (BearerToken(), {"access_token": "a\r\nX-Evil: 1"}, "access_token"),
        (BearerToken(), {"access_token": "naïve"}, "access_token"),
        (BearerToken(), {"access_token": "a", "acces_token": "b"}, "acces_token"),
        (EITHER, {}, "webhook_url"),
        (EITHER, {"default_channel": "#x"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "https://hooks.slack.com"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "http://hooks.slack.com/x"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "https://user:pw@hooks.slack.com/x"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "file:///etc/passwd"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "https://[/x"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "https://h:99999/x"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "https://h/a b"}, "webhook_url"),
        (WebhookUrl(), {"webhook_url": "xoxb-1"}, "webhook_url"),
        (OAuth2(token_url="https://x.test/t"), {"access_token": "a", "refresh_token": "r"}, "client_id"),
        (OAuth2(token_url="https://x.test/t"), {"access_token": "a", "token_url": "http://x.test"}, "token_url"),
    ],
)
def test_malformed_credentials_name_the_field(auth: AuthScheme, raw: dict[str, object], field: str) -> None:
    assert field in _errors(raw, auth)


def test_errors_quote_no_value() -> None:
    errors = _errors({"access_token": "s3cret value", "more": "s3cret"}, BearerToken())
    assert "s3cret" not in str(errors)


def test_plain_http_is_for_this_machine_only() -> None:
    for host in ("127.0.0.1:8000", "localhost", "[::1]:80"):
        assert Credentials({"webhook_url": f"http://{host}/hook"}, auth=WebhookUrl())


def test_credentials_show_settings_and_hide_secrets() -> None:
    credentials = Credentials({"bot_token": "xoxb-1", "default_channel": "#ops"}, auth=EITHER, settings=(CHANNEL,))
    assert repr(credentials) == "Credentials(bot_token=***, default_channel='#ops')"
    assert dict(credentials) == {"bot_token": "xoxb-1", "default_channel": "#ops"}


def test_secrets_to_blot_out_cover_encodings_and_parts() -> None:
    found = Credentials({"webhook_url": HOOK, "bot_token": "a/b+c"}, auth=EITHER).secrets()
    assert {HOOK, "/services/T1/B1/verysecret", "verysecret", "a/b+c", "a%2Fb%2Bc"} <= found


@pytest.mark.parametrize("auth", [ApiKey(header="X-Key"), BearerToken(), WebhookUrl(), OAuth2(token_url="x"), EITHER])
def test_every_field_is_explained(auth: AuthScheme) -> None:
    assert auth.kind
    assert all(one.name and one.help for one in auth.fields)
