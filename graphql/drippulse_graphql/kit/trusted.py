"""The document of a request, as far as it is one that may be run here: by its id, or its text where that is allowed."""

from dataclasses import replace

from drippulse.graphql_clients.documents.errors import PersistedQueryNotFoundError, UnknownDocumentError
from drippulse.graphql_clients.documents.standing import RunningDocument
from drippulse.graphql_clients.documents.trusted import TrustedDocuments
from drippulse.kit.crypto import sha256_hex
from drippulse_graphql.kit.http import Operation


async def trusted(documents: TrustedDocuments, organization_id: int, operation: Operation) -> Operation:
    """The operation with its text. Every way to send one has to come by here before anything is run.

    Raises:
        UnknownDocumentError: nothing is registered under its id.
        UntrustedDocumentError: the organization runs registered documents only, and this text is none of them.
    """
    if operation.query:
        await documents.admit(organization_id, operation.query)
        return operation
    text = await documents.text(organization_id, operation.document or "")
    if text is None:
        raise PersistedQueryNotFoundError if operation.apollo else UnknownDocumentError
    return replace(operation, query=text)


def running(organization_id: int, sent: Operation) -> RunningDocument:
    """What of an operation, as it was sent, has to stay trusted while it goes on."""
    return RunningDocument(organization_id, sent.document or sha256_hex(sent.query), named=not sent.query)
