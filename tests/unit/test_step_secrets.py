"""Secrets in step configs."""

import pytest

from drippulse.kit.crypto import DecryptionError, Vault
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.normalize import normalize_steps
from drippulse.workflows.secrets import MASK, redact, reveal, seal, unmask
from tests.support.workflows import WEBHOOK_SECRET, webhook_step

VAULT = Vault("0123456789abcdef0123456789abcdef", [])
STEPS = normalize_steps([webhook_step(), {"type": "log", "config": {"message": "m"}}])


def test_sealed_steps_hold_no_secret_and_reveal_to_what_they_were() -> None:
    sealed = seal(STEPS, VAULT, 7)
    assert WEBHOOK_SECRET not in str(sealed)
    assert sealed[1] == STEPS[1]
    assert reveal(sealed, VAULT, 7) == STEPS


def test_a_secret_does_not_move_to_another_organization_or_step() -> None:
    sealed = seal(STEPS, VAULT, 7)
    with pytest.raises(DecryptionError):
        reveal(sealed, VAULT, 8)
    with pytest.raises(DecryptionError):
        reveal([{**sealed[0], "id": "other"}], VAULT, 7)


def test_callers_see_a_mask_which_stands_for_the_stored_secret() -> None:
    shown = redact(seal(STEPS, VAULT, 7))
    assert shown[0]["config"]["secret"] == MASK
    assert unmask(shown, STEPS) == STEPS


def test_a_mask_under_another_step_id_stands_for_nothing() -> None:
    shown = redact(STEPS)
    with pytest.raises(InvalidStepGraphError) as caught:
        unmask([{**shown[0], "id": "renamed"}], STEPS)
    assert list(caught.value.errors) == ["steps.0.config.secret"]


def test_no_secret_is_no_mask() -> None:
    steps = normalize_steps([webhook_step(secret=None)])
    assert redact(steps)[0]["config"]["secret"] is None


HEADERS = {
    "Authorization": "Bearer canary-1",
    "X-Api-Key": "canary-2",
    "Cookie": "sid=canary-3",
    "X-Shop-Access-Token": "canary-4",
    "client_secret": "canary-5",
    "Proxy-Authorization": "Basic canary-6",
    "X-Auth": "canary-7",
    "Ocp-Apim-Subscription-Key": "canary-8",
}
OPEN = {"X-Campaign": "spring", "Idempotency-Key": "{{ id }}", "X-Author": "Ada", "X-Keyword": "shoes"}


def test_values_of_headers_that_carry_credentials_are_kept_like_secrets() -> None:
    steps = normalize_steps([webhook_step(headers={**HEADERS, **OPEN})])
    sealed = seal(steps, VAULT, 7)
    assert "canary" not in str(sealed)
    assert reveal(sealed, VAULT, 7) == steps
    shown = redact(sealed)[0]["config"]["headers"]
    assert shown == {**dict.fromkeys(HEADERS, MASK), **OPEN}
    assert unmask(redact(sealed), steps) == steps


def test_a_masked_header_under_another_name_stands_for_nothing() -> None:
    stored = normalize_steps([webhook_step(headers=HEADERS)])
    with pytest.raises(InvalidStepGraphError) as caught:
        unmask(normalize_steps([webhook_step(headers={"X-Other-Token": MASK})]), stored)
    assert list(caught.value.errors) == ["steps.0.config.headers.X-Other-Token"]


@pytest.mark.parametrize("headers", [None, "Authorization: x", [], {"Authorization": {"a": 1}}, {"Authorization": 7}])
def test_headers_of_a_wrong_shape_are_left_for_the_step_to_refuse(headers: object) -> None:
    steps = normalize_steps([webhook_step(headers=headers)])
    assert unmask(steps, []) == steps


URL = "https://hook.example.com/a?campaign=spring&api_key=canary-1&x={{ a | default: 'b&c' }}&token={{ vars.t }}#top"
SHOWN = f"https://hook.example.com/a?campaign=spring&api_key={MASK}&x={{{{ a | default: 'b&c' }}}}&token={MASK}#top"


def test_credentials_in_the_query_of_a_url_are_kept_like_secrets() -> None:
    steps = normalize_steps([webhook_step(url=URL)])
    sealed = seal(steps, VAULT, 7)
    assert "canary" not in str(sealed)
    assert reveal(sealed, VAULT, 7) == steps
    for stored in (sealed, steps):  # the latter as an earlier version left them
        assert redact(stored)[0]["config"]["url"] == SHOWN
    assert unmask(redact(sealed), steps) == steps


def test_the_rest_of_such_a_url_can_be_changed_around_its_masks() -> None:
    stored = normalize_steps([webhook_step(url="https://h.example.com/a?key=one&n=1&key=two")])
    sent = f"https://h.example.com/b?n=2&key={MASK}&key={MASK}&m=3"
    [step] = unmask(normalize_steps([webhook_step(url=sent)]), stored)
    assert step["config"]["url"] == "https://h.example.com/b?n=2&key=one&key=two&m=3"


@pytest.mark.parametrize(
    "sent",
    [
        f"https://h.example.com/a?other_key={MASK}",
        f"https://h.example.com/a?key={MASK}&key={MASK}",
        f"https://evil.example.com/a?key={MASK}",
        f"https://evil.example.com#@h.example.com/a?key={MASK}",
        f"https://evil.example.com\\@h.example.com/a?key={MASK}",
        f"https://u:{MASK}@h.example.com/a",
        f"https://h.example.com/{MASK}",
    ],
)
def test_a_mask_in_a_url_stands_only_for_what_is_stored_there_and_goes_to_no_other_host(sent: str) -> None:
    stored = normalize_steps([webhook_step(url="https://h.example.com/a?key=one")])
    with pytest.raises(InvalidStepGraphError) as caught:
        unmask(normalize_steps([webhook_step(url=sent)]), stored)
    assert list(caught.value.errors) == ["steps.0.config.url"]


def test_a_password_before_the_host_is_a_secret() -> None:
    steps = normalize_steps([webhook_step(url="https://ada:canary@h.example.com/a")])
    assert redact(steps)[0]["config"]["url"] == f"https://ada:{MASK}@h.example.com/a"
    assert unmask(redact(steps), steps) == steps


@pytest.mark.parametrize(
    "url", ["https://h.example.com/a?author=Ada&keyword=x", "https://h.example.com/a?key=", "{{ vars.hook }}", "", 7]
)
def test_other_urls_stay_as_they_are(url: object) -> None:
    steps = normalize_steps([webhook_step(url=url)])
    assert seal(steps, VAULT, 7)[0]["config"]["url"] == url
    assert redact(steps)[0]["config"]["url"] == url


@pytest.mark.parametrize("value", ["Bearer canary", "basic Y2FuYXJ5", " Token canary"])
def test_a_credential_in_a_header_of_any_name_is_kept_like_a_secret(value: str) -> None:
    steps = normalize_steps([webhook_step(headers={"X-From": value, "X-Plain": "Bearer"})])
    sealed = seal(steps, VAULT, 7)
    assert "canary" not in str(sealed)
    assert reveal(sealed, VAULT, 7) == steps
    shown = redact(sealed)
    assert shown[0]["config"]["headers"] == {"X-From": MASK, "X-Plain": "Bearer"}
    assert unmask(shown, steps) == steps
