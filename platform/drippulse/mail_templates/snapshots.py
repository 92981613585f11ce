"""What a workflow version keeps of the templates its e-mail steps name: their texts at the moment it was saved."""

from collections.abc import Iterator
from typing import Any

from drippulse.kit.db import Record, Session
from drippulse.kit.public_ids import decode_id
from drippulse.mail_templates import queries
from drippulse.workflows.errors import InvalidStepGraphError

PREFIX = "tpl"
Step = dict[str, Any]


def template_number(value: Any) -> int | None:
    """The number behind a `template_id`: an integer, its digits, or `tpl_…`; None when it is none of these."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else decode_id(PREFIX, text)


async def with_snapshots(session: Session, organization_id: int, steps: list[Step]) -> list[Step]:
    """Canonical steps; each e-mail step that names a template has the template's texts of now in `config.template`.

    Raises:
        InvalidStepGraphError: a template that the organization does not have; the step is named.
    """
    wanted = {index: template_number(step["config"]["template_id"]) for index, step in _mails(steps)}
    numbers = [number for number in wanted.values() if number is not None]
    found = await queries.by_ids(session, organization_id, numbers) if numbers else dict[int, Record]()
    errors = {
        f"steps.{index}.config.template_id": ["names a template that does not exist in your organization"]
        for index, number in wanted.items()
        if number is None or number not in found
    }
    if errors:
        place = int(next(iter(errors)).split(".")[1])
        raise InvalidStepGraphError(
            f'Step {place + 1} ("{steps[place]["name"]}"): `template_id` names a template that does not exist in your '
            "organization. Create it first, or put the text into `subject` and `body`.",
            errors=errors,
        )
    texts = {index: _snapshot(found[number]) for index, number in wanted.items() if number is not None}
    return [_with(step, texts.get(index)) for index, step in enumerate(steps)]


def _mails(steps: list[Step]) -> Iterator[tuple[int, Step]]:
    for index, step in enumerate(steps):
        if step["type"] == "email" and step["config"].get("template_id") is not None:
            yield index, step


def _snapshot(row: Record) -> dict[str, Any]:
    texts = {"version": row["version"], "subject": row["subject"], "body": row["body"], "html": row["html"]}
    return {**texts, "from": row["sender"]}


def _with(step: Step, snapshot: dict[str, Any] | None) -> Step:
    """What a client sends as `template` counts for nothing."""
    if step["type"] != "email" or (snapshot is None and "template" not in step["config"]):
        return step
    config = {key: value for key, value in step["config"].items() if key != "template"}
    return {**step, "config": config if snapshot is None else {**config, "template": snapshot}}
