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
