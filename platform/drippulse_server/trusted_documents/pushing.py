"""Registering documents with a running instance, in portions that it takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from drippulse_server.failures import CommandFailure
from drippulse_server.importing.api import Instance
from drippulse_server.trusted_documents.manifests import Document

PATH = "/api/v1/graphql/documents"
MOST_DOCUMENTS = 200
MOST_CHARACTERS = 400_000  # of a body of one megabyte, whose characters may take two bytes and escapes


@dataclass(slots=True)
class Pushed:
    """What became of all portions. `flaws` has lines `file: name: line:column: what is wrong`."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    flaws: list[str] = field(default_factory=list[str])


def push(instance: Instance, documents: Sequence[Document], client: str) -> Pushed:
    """Every portion is sent, so that all flaws are told at once; one with a flaw registers nothing.

    Raises:
        CommandFailure: the instance cannot be reached, or refuses for another reason than a document.
    """
    pushed = Pushed()
    for portion in _portions(documents):
        body = orjson.dumps({"client": client, "documents": {one.key: one.text for one in portion}})
        answer = instance.response("PUT", PATH, body)
        told: dict[str, Any] = orjson.loads(answer.content) if answer.content.startswith(b"{") else {}
        if answer.is_success:
            pushed.created += told["created"]
            pushed.changed += told["changed"]
            pushed.unchanged += told["unchanged"]
        elif told.get("error") in {"invalid_documents", "validation_failed"}:
            pushed.flaws += _flaws(told.get("errors", {}), portion)
        else:
            raise CommandFailure(str(told.get("message") or f"The instance answered {answer.status_code}."))
    return pushed


def _flaws(errors: Mapping[str, Sequence[str]], portion: Sequence[Document]) -> Iterator[str]:
    files = {document.key: document.file for document in portion}
    for place, sentences in errors.items():
        key = place.removeprefix("documents.")
        where = f"{files[key]}: {key}" if key in files else place
        yield from (f"{where}: {sentence}" for sentence in sentences)


def _portions(documents: Sequence[Document]) -> Iterator[list[Document]]:
    portion: list[Document] = []
    length = 0
    for document in documents:
        size = len(document.key) + len(document.text)
        if portion and (len(portion) == MOST_DOCUMENTS or length + size > MOST_CHARACTERS):
            yield portion
            portion, length = [], 0
        portion.append(document)
        length += size
    if portion:
        yield portion
