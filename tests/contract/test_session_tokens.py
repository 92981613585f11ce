"""Session tokens that were not made here, or not for this."""

import base64
import hmac
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from drippulse.kit.clock import utc_now
from drippulse.kit.crypto import derive_key
from drippulse.kit.services import AppServices
from tests.conftest import MakeOrganization
from tests.support.organizations import TestOrganization

HOUR = timedelta(hours=1)
REGISTERED = ("iss", "aud", "sub", "exp", "iat", "org", "epoch")


@pytest.fixture
def key(services: AppServices) -> OctKey:
    return OctKey.import_key(derive_key(services.settings.secret_key.get_secret_value(), "sessions"))


@pytest.fixture
def claims(organization: TestOrganization) -> dict[str, Any]:
    now = int(utc_now().timestamp())
    return {
        "iss": "drippulse",
        "aud": "drippulse-session",
        "sub": str(organization.admin_id),
        "org": organization.id,
        "epoch": 0,
        "iat": now,
        "exp": now + 3600,
    }


def made(claims: dict[str, Any], key: Any, **header: Any) -> str:
    algorithm = str(header.get("alg", "HS256"))
    return jwt.encode({"alg": algorithm, **header}, claims, key, algorithms=[algorithm])


async def status(client: httpx.AsyncClient, token: str) -> int:
    response = await client.get("/api/v1/admin/verify", headers={"authorization": f"Bearer {token}"})
    if response.status_code == 401:
        assert response.json()["error"] == "invalid_token"
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    return response.status_code


async def test_the_claims_as_they_are_open_the_api(
    claims: dict[str, Any], key: OctKey, anonymous: httpx.AsyncClient
) -> None:
    """What the other tests leave out or change is what makes the difference."""
    assert await status(anonymous, made(claims, key)) == 200


@pytest.mark.parametrize("name", REGISTERED)
async def test_every_claim_is_required(
    name: str, claims: dict[str, Any], key: OctKey, anonymous: httpx.AsyncClient
) -> None:
    del claims[name]
    assert await status(anonymous, made(claims, key)) == 401


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "somebody"),
        ("aud", "drippulse-links"),
        ("aud", []),
        ("sub", "admin"),
        ("sub", "-1"),
        ("sub", str(2**63)),
        ("sub", "9" * 400),
        ("sub", {}),
        ("org", "x"),
        ("org", 2**63),
        ("org", None),
        ("epoch", 1),
        ("epoch", None),
        ("exp", 1),
        ("exp", "never"),
        ("exp", None),
        pytest.param("iat", int((utc_now() + HOUR).timestamp()), id="iat-in an hour"),
    ],
)
async def test_claims_that_do_not_fit_are_refused(
    name: str, value: Any, claims: dict[str, Any], key: OctKey, anonymous: httpx.AsyncClient
) -> None:
    assert await status(anonymous, made({**claims, name: value}, key)) == 401


async def test_a_token_for_an_organization_one_is_no_member_of_is_refused(
    claims: dict[str, Any], key: OctKey, anonymous: httpx.AsyncClient, new_organization: MakeOrganization
) -> None:
    other = await new_organization()
    assert await status(anonymous, made({**claims, "org": other.id}, key)) == 401


async def test_only_hs256_with_our_key_counts(
    claims: dict[str, Any], key: OctKey, anonymous: httpx.AsyncClient, services: AppServices
) -> None:
    good = made(claims, key)
    head, body, signature = good.split(".")
    secret = services.settings.secret_key.get_secret_value()
    rsa = RSAKey.generate_key(2048)
    confused = hmac.digest(rsa.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
    tokens = {
        "alg none": "eyJhbGciOiJub25lIn0." + body + ".",
        "alg None": "eyJhbGciOiJOb25lIn0." + body + ".",
        "no signature": f"{head}.{body}.",
        "half a signature": f"{head}.{body}.{signature[:20]}",
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.{signature}",
        "another body": f"{head}.{made({**claims, 'org': 1}, key).split('.')[1]}.{signature}",
        "HS512": made(claims, key, alg="HS512"),
        "the secret itself": made(claims, OctKey.import_key(secret)),
        "the key of links": made(claims, OctKey.import_key(derive_key(secret, "links"))),
        "RS256": made(claims, rsa, alg="RS256"),
        "a public key as the secret": f"{head}.{body}." + base64.urlsafe_b64encode(confused).decode().rstrip("="),
        "a key in the header": made(claims, rsa, alg="RS256", jwk=cast("Any", rsa.as_dict(private=False))),
        "a key by URL": made(claims, rsa, alg="RS256", jku="https://example.com/jwks", kid="1"),
        "a file as kid": made(claims, OctKey.import_key("0" * 32), kid="../../../../dev/null"),
        "5 KB": good + "A" * 5_000,
        "1 MB": "A" * 1_000_000,
        "1 MB of dots": "." * 1_000_000,
        "not ASCII": "é.é.é",
        "deep": "e" + "W" * 4_000 + ".e30.e30",
    }
    for name, token in tokens.items():
        encoded = token.encode("latin-1")
        response = await anonymous.get("/api/v1/admin/verify", headers=[(b"authorization", b"Bearer " + encoded)])
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token"), name
