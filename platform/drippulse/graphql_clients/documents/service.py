"""What trusted documents do: registered as a manifest, listed, deleted."""

import asyncio
from typing import Any

from drippulse.graphql_clients.documents import queries
from drippulse.graphql_clients.documents.checking import DocumentCheck
from drippulse.graphql_clients.documents.errors import InvalidDocumentsError, TooManyDocumentsError
from drippulse.graphql_clients.documents.schemas import HASH, Manifest
from drippulse.kit.clock import isoformat
from drippulse.kit.crypto import sha256_hex
from drippulse.kit.db import Record, Session
from drippulse.kit.errors import not_found
from drippulse.kit.pagination import ListRequest
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.lists import read_list
from drippulse.organizations.policy import Principal

RESOURCE = "document"
MAX_DOCUMENTS = 10_000
PREFIX = "sha256:"


def present(row: Record) -> dict[str, Any]:
    """The document as every edge answers it."""
    maker = {"type": row["actor_type"], "id": row["actor_id"]}
    return {
        "document_id": f"{PREFIX}{row['sha256']}",
        **{name: row[name] for name in ("sha256", "name", "client", "text")},
        "created_by": None if row["actor_id"] is None else maker,
        "created_at": isoformat(row["created_at"]),
        "updated_at": isoformat(row["updated_at"]),
    }


async def check_manifest(check: DocumentCheck, manifest: Manifest) -> None:
    """Other requests are answered between two documents.

    Raises:
        InvalidDocumentsError: a document cannot be run, or is not what its hash says; it has a line for each flaw.
    """
    errors: dict[str, list[str]] = {}
    for key, text in manifest.documents.items():
        flaws = [str(flaw) for flaw in check(text)]
        hashed = HASH.fullmatch(key)
        if hashed and hashed[1] != sha256_hex(text):
            flaws.append(f"The text's SHA-256 is {sha256_hex(text)}.")
        if flaws:
            errors[f"documents.{key}"] = flaws
        await asyncio.sleep(0)
    if errors:
        raise InvalidDocumentsError(errors)


async def put_documents(session: Session, principal: Principal, manifest: Manifest) -> dict[str, Any]:
    """Register documents that were checked. The same again changes nothing; what is not named stays registered.

    Raises:
        TooManyDocumentsError
    """
    organization = principal.organization_id
    hashes = {key: sha256_hex(text) for key, text in manifest.documents.items()}
    rows = {hashes[key]: (hashes[key], text, _name(key)) for key, text in manifest.documents.items()}
    actor = (principal.actor_type, principal.actor_id)
    await queries.lock(session, organization)
    written = await queries.put(session, organization, list(rows.values()), manifest.client, actor)
    created = sum(row["created"] for row in written)
    if created and await queries.count(session, organization) > MAX_DOCUMENTS:
        raise TooManyDocumentsError(MAX_DOCUMENTS)
    if written:
        details = {"client": manifest.client, "created": created, "changed": len(written) - created}
        await audit.record(session, principal, AuditAction.GRAPHQL_DOCUMENTS_REGISTERED, None, details)
    return {
        "created": created,
        "changed": len(written) - created,
        "unchanged": len(rows) - len(written),
        "document_ids": {key: f"{PREFIX}{sha256}" for key, sha256 in hashes.items()},
    }


async def list_documents(session: Session, principal: Principal, wanted: ListRequest) -> dict[str, Any]:
    return await read_list(session, principal.organization_id, queries.LIST, wanted, present)


async def delete_document(session: Session, principal: Principal, sha256: str) -> None:
    """Clients that run it by its id are refused from now on; forget what is cached after commit.

    Raises:
        NotFoundError: unknown and foreign ones alike.
    """
    found = HASH.fullmatch(sha256)
    name = await queries.delete(session, principal.organization_id, found[1]) if found else None
    if found is None or name is None:
        raise not_found(RESOURCE)
    subject = ("graphql_document", found[1])
    await audit.record(session, principal, AuditAction.GRAPHQL_DOCUMENT_DELETED, subject, {"name": name})


def _name(key: str) -> str:
    return "" if HASH.fullmatch(key) else key
