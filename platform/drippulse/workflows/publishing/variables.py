"""Which variables of a version's texts would be empty for whom. Pure.

Contacts that have the same of the variables are looked at as one: the texts are rendered once for each such kind.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from drippulse.workflows.errors import TemplateRenderError
from drippulse.workflows.liquid_sandbox import work_together
from drippulse.workflows.namespace import resolve
from drippulse.workflows.secrets import Step
from drippulse.workflows.steps import registry
from drippulse.workflows.templates import Templates, is_template

MOST_KINDS = 500
OF_CONFIG = "<field>"
"""A step type's output whose names stand in the config's `fields`."""
Kind: TypeAlias = tuple[bool, ...]


class EmptyVariables:
    """Add contact after contact, then ask for the answer."""

    def __init__(self, steps: Sequence[Step], templates: Templates) -> None:
        self._templates = templates
        self._sources = [(step["id"], source) for step in steps for source in _texts(step["config"])]
        names = {name for _, source in self._sources for name in templates.variables(source)}
        self._set_by_steps = {name for step in steps for name in _outputs(step)}
        self._names = sorted(name for name in names if _head(name) not in self._set_by_steps)
        self._count: Counter[Kind] = Counter()
        self._example: dict[Kind, Mapping[str, Any]] = {}

    def add(self, bag: Mapping[str, Any]) -> None:
        kind = tuple(resolve(name, bag) not in (None, "") for name in self._names)
        if kind in self._example or len(self._example) < MOST_KINDS:
            self._example.setdefault(kind, bag)
            self._count[kind] += 1

    def answer(self) -> dict[str, Any]:
        """`{sampled, variables: [{name, contacts, steps}]}`, the most often empty first."""
        contacts: Counter[str] = Counter()
        users: dict[str, dict[str, None]] = {}
        with work_together():
            for kind, bag in self._example.items():
                for name, steps in self._missing(bag).items():
                    contacts[name] += self._count[kind]
                    users.setdefault(name, {}).update(steps)
        return {
            "sampled": sum(self._count.values()),
            "variables": [
                {"name": name, "contacts": count, "steps": list(users[name])} for name, count in contacts.most_common()
            ],
        }

    def _missing(self, bag: Mapping[str, Any]) -> dict[str, dict[str, None]]:
        """Name -> ids of the steps whose texts would show nothing in its place."""
        filled = {key: value for key, value in bag.items() if value not in (None, "")}
        found: dict[str, dict[str, None]] = {}
        for step, source in self._sources:
            with self._templates.recording() as missing:
                try:
                    self._templates.render(source, filled)
                except TemplateRenderError:
                    continue  # what fails on a contact's data is shown when it happens
            for name in missing:
                if _head(name) not in self._set_by_steps:
                    found.setdefault(name, {})[step] = None
        return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if is_template(value):
            yield value
    elif isinstance(value, Mapping | list):
        members = cast("Mapping[str, Any]", value).values() if isinstance(value, Mapping) else cast("list[Any]", value)
        for member in members:
            yield from _texts(member)


def _outputs(step: Step) -> Iterator[str]:
    found = registry.find(step["type"])
    for name in found.outputs if found else ():
        if name != OF_CONFIG:
            yield name
        elif isinstance(step["config"].get("fields"), Mapping):
            yield from step["config"]["fields"]


def _head(name: str) -> str:
    return re.split(r"[.\[]", name, maxsplit=1)[0]
