"""Secret step parameters: encrypted where they are stored, shown as `********`, read by the engine alone.

A config field is secret when its model says so (`json_schema_extra={"secret": True}`). Stored, it is
`{"$secret": "<base64 of the vault's ciphertext>"}`, bound to the organization and the step's id.
"""

import base64
from collections.abc import Callable
from typing import Any, TypeAlias, cast

from pydantic.fields import FieldInfo

from drippulse.kit.crypto import Vault
from drippulse.workflows.errors import InvalidStepGraphError
from drippulse.workflows.steps import registry

Step: TypeAlias = dict[str, Any]

MASK = "********"
SEALED = "$secret"


def secret_fields(step_type: str) -> frozenset[str]:
    """The names of the secret config fields of a step type; none for an unknown type."""
    found = registry.find(step_type)
    if found is None:
        return frozenset()
    return frozenset(name for name, field in found.config_model.model_fields.items() if _is_secret(field))


def seal(steps: list[Step], vault: Vault, organization_id: int) -> list[Step]:
    """Steps with plain secrets, as they are stored."""

    def encrypt(step: Step, _: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        blob = vault.encrypt(value.encode(), _context(organization_id, step))
        return {SEALED: base64.b64encode(blob).decode()}

    return [_changed(step, encrypt) for step in steps]


def reveal(steps: list[Step], vault: Vault, organization_id: int) -> list[Step]:
    """Stored steps with their secrets in plain text, for the engine and nobody else.

    Raises:
        DecryptionError: a secret was moved from another step or organization, or its key is gone.
    """

    def decrypt(step: Step, _: str, value: Any) -> Any:
        if not _is_sealed(value):
            return value
        return vault.decrypt(base64.b64decode(value[SEALED]), _context(organization_id, step)).decode()

    return [_changed(step, decrypt) for step in steps]


def redact(steps: list[Step]) -> list[Step]:
    """Steps as callers see them."""

    def mask(_: Step, __: str, value: Any) -> Any:
        return MASK if value is not None else None

    return [_changed(step, mask) for step in steps]


def unmask(steps: list[Step], stored: list[Step]) -> list[Step]:
    """New steps in which an echoed mask stands for what `stored` (revealed) has in the same step and field.

    Raises:
        InvalidStepGraphError: a mask where nothing is stored.
    """
    before: dict[str, dict[str, Any]] = {step["id"]: step["config"] for step in stored}

    def fill(step: Step, name: str, value: Any) -> Any:
        if value != MASK:
            return value
        kept = before.get(step["id"], {}).get(name)
        if kept is None:
            raise _nothing_stored(step, name)
        return kept

    return [_changed(step, fill) for step in steps]


def _nothing_stored(step: Step, name: str) -> InvalidStepGraphError:
    sentence = f"{MASK} stands for a stored secret, and there is none for this step; send the secret itself."
    return InvalidStepGraphError(
        f'Step {step["position"] + 1} ("{step["name"]}"), {name}: {sentence}',
        errors={f"steps.{step['position']}.config.{name}": [sentence]},
    )


def _changed(step: Step, change: Callable[[Step, str, Any], Any]) -> Step:
    config = cast("dict[str, Any]", step["config"])
    touched = {name: change(step, name, config[name]) for name in secret_fields(step["type"]) if name in config}
    return {**step, "config": {**config, **touched}} if touched else step


def _is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and SEALED in value


def _is_secret(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and bool(cast("dict[str, Any]", extra).get("secret"))


def _context(organization_id: int, step: Step) -> str:
    return f"{organization_id}:workflow_step:{step['id']}"
