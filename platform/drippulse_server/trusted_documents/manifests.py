"""Reading what builds write down: documents as files, or manifests of Apollo, Relay and GraphQL Code Generator."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from drippulse_server.failures import CommandFailure

DOCUMENT_SUFFIXES = (".graphql", ".gql")


@dataclass(frozen=True, slots=True)
class Document:
    """A document with the file that it comes from. `key` is its hash or its name."""

    key: str
    text: str
    file: Path


def read_documents(files: Sequence[Path]) -> list[Document]:
    """Every document of these files.

    Raises:
        CommandFailure: a file cannot be read or is none of the known forms, or two texts go by one name.
    """
    found: dict[str, Document] = {}
    for file in files:
        for document in _read(file):
            before = found.setdefault(document.key, document)
            if before.text != document.text:
                raise CommandFailure(
                    f'{file}: "{document.key}" has another text in {before.file}. Give it another name.'
                )
    if not found:
        raise CommandFailure("There is no document in these files.")
    return list(found.values())


def _read(file: Path) -> Iterator[Document]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailure(f"{file} cannot be read: {error}.") from error
    if file.suffix in DOCUMENT_SUFFIXES:
        yield Document(file.stem, text, file)
        return
    try:
        pairs = list(_pairs(json.loads(text)))
    except ValueError as error:
        raise CommandFailure(
            f"{file} is no manifest ({error}). It is a JSON object from hashes or names to texts, Apollo's manifest of "
            "persisted queries, or a file .graphql with one document."
        ) from error
    for key, document in pairs:
        yield Document(key, document, file)


def _pairs(manifest: object) -> Iterator[tuple[str, str]]:
    """Raises ValueError."""
    if not isinstance(manifest, dict):
        raise ValueError("not an object")
    fields = cast("dict[str, Any]", manifest)
    operations = fields.get("operations")
    documents: Any = fields.get("documents", fields)
    pairs: list[tuple[Any, Any]]
    if isinstance(operations, list):
        members = [cast("dict[str, Any]", one) for one in cast("list[Any]", operations) if isinstance(one, dict)]
        pairs = [(one.get("name"), one.get("body")) for one in members]
    elif isinstance(documents, dict):
        pairs = list(cast("dict[str, Any]", documents).items())
    else:
        raise ValueError("its documents are no object")
    for key, text in pairs:
        if not isinstance(key, str) or not key or not isinstance(text, str):
            raise ValueError(f"{key!r} has no text")
        yield key, text
