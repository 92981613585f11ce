"""Secret step parameters: encrypted where they are stored, shown as `********`, read by the engine alone.

Which parts of a config are secret is the step type's to say (`StepType.secret_paths`). Stored, each is
`{"$secret": "<base64 of the vault's ciphertext>"}`, bound to the organization and the step's id; `shown` is beside it
where only a part is secret.
"""

import base64
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from drippulse.kit.crypto import Vault
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.steps import registry
from drippulse.workflows.steps.base import SecretPath, StepType
from drippulse.workflows.steps.url_secrets import MASK, origin

Step: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[StepType[Any], Step, SecretPath, Any], Any]

SEALED = "$secret"
SHOWN = "shown"
NOTHING_STORED = f"{MASK} stands for a stored secret, and there is none for this step; send the secret itself."
OTHER_HOST = f"{MASK} stands for a secret stored for another host; send the secret itself along with the new URL."


def seal(steps: list[Step], vault: Vault, organization_id: int) -> list[Step]:
    """Steps with plain secrets, as they are stored."""

    def encrypt(kind: StepType[Any], step: Step, path: SecretPath, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        sealed = {SEALED: base64.b64encode(vault.encrypt(value.encode(), _context(organization_id, step))).decode()}
        shown = kind.shown_secret(path, value)
        return sealed if shown == MASK else {**sealed, SHOWN: shown}

    return [_changed(step, encrypt) for step in steps]


def reveal(steps: list[Step], vault: Vault, organization_id: int) -> list[Step]:
    """Stored steps with their secrets in plain text, for the engine and nobody else.

    Raises:
        DecryptionError: a secret was moved from another step or organization, or its key is gone.
    """

    def decrypt(_: StepType[Any], step: Step, __: SecretPath, value: Any) -> Any:
        if not _is_sealed(value):
            return value
        return vault.decrypt(base64.b64decode(value[SEALED]), _context(organization_id, step)).decode()

    return [_changed(step, decrypt) for step in steps]


def redact(steps: list[Step]) -> list[Step]:
    """Steps as callers see them."""

    def mask(kind: StepType[Any], _: Step, path: SecretPath, value: Any) -> Any:
        if _is_sealed(value):
            return value.get(SHOWN, MASK)
        return kind.shown_secret(path, value) if isinstance(value, str) else None if value is None else MASK

    return [_changed(step, mask) for step in steps]


def may_hold_secrets(text: str) -> bool:
    """Whether the JSON text of stored steps is worth going through. Secrets in URLs were once stored in plain text."""
    return SEALED in text or "://" in text


def unmask(steps: list[Step], stored: list[Step]) -> list[Step]:
    """New steps in which an echoed mask stands for what `stored` (revealed) has in the same step and field.

    Raises:
        InvalidStepGraphError: a mask where nothing is stored, or whose step now calls another host: a secret goes only
            where it was meant to go.
    """
    before: dict[str, dict[str, Any]] = {step["id"]: step["config"] for step in stored}

    def fill(kind: StepType[Any], step: Step, path: SecretPath, value: Any) -> Any:
        if not isinstance(value, str) or MASK not in value:
            return value
        kept = _value_at(before.get(step["id"], {}), path)
        filled = kind.restored_secret(path, value, kept) if isinstance(kept, str) else None
        if filled is None:
            raise _refused(step, path, NOTHING_STORED)
        if _origin(step["config"]) != _origin(before[step["id"]]):
            raise _refused(step, path, OTHER_HOST)
        return filled

    return [_changed(step, fill) for step in steps]


def _origin(config: dict[str, Any]) -> str:
    """Of the URL that a step calls; empty without one."""
    url = config.get("url")
    return origin(url) if isinstance(url, str) else ""


def _refused(step: Step, path: SecretPath, sentence: str) -> InvalidStepGraphError:
    name = ".".join(path)
    return InvalidStepGraphError(
        f'Step {step["position"] + 1} ("{step["name"]}"), {name}: {sentence}',
        errors={f"steps.{step['position']}.config.{name}": [sentence]},
    )


def _changed(step: Step, change: Change) -> Step:
    found = registry.find(step["type"])
    config = cast("dict[str, Any]", step["config"])
    if found is not None:
        for path in list(found.secret_paths(config)):
            config = _with(config, path, change(found, step, path, _value_at(config, path)))
    return step if config is step["config"] else {**step, "config": config}


def _value_at(config: dict[str, Any], path: SecretPath) -> Any:
    value: Any = config
    for key in path:
        value = cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
    return value


def _with(config: dict[str, Any], path: SecretPath, value: Any) -> dict[str, Any]:
    """A copy of `config` with `value` at `path`."""
    key, *rest = path
    return {**config, key: _with(config[key], tuple(rest), value) if rest else value}


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and SEALED in value


def _context(organization_id: int, step: Step) -> str:
    return f"{organization_id}:workflow_step:{step['id']}"
