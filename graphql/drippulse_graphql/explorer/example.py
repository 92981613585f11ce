"""What an example of the explorer is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A value of an earlier example's answer, standing in the variables of one that needs it.

    `path` goes through the answer's data: `createWorkflow.workflow.id`, `approvals.approvals.0.id`.
    """

    answer_of: str
    path: str


@dataclass(frozen=True, slots=True)
class Example:
    """An operation with variables that work on an instance that was just started."""

    title: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def answer(self, path: str) -> Answer:
        """For the variables of a later example."""
        return Answer(self.title, path)


@dataclass(frozen=True, slots=True)
class Section:
    """The examples of one part of the schema, in the order in which they build on each other."""

    title: str
    examples: tuple[Example, ...]
