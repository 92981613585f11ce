"""GraphQL over HTTP: what a request asks for, read strictly. Pure.

Sources: https://graphql.github.io/graphql-over-http/draft/ and its appendix on persisted documents; Apollo's
`extensions.persistedQuery` for ids of documents.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from drippulse.kit.crypto import sha256_hex
from drippulse.kit.errors import BadRequestError, DomainError
from drippulse.kit.strict_json import loads
from drippulse.organizations.errors import MissingTokenError
from drippulse_graphql.kit.accept import JSON

MAX_BODY = 1_000_000
DOCUMENT_ID = re.compile(r"sha256:([0-9a-f]{64})")
APOLLO_HASH = re.compile(r"[0-9a-f]{64}")


class UnsupportedMediaTypeError(DomainError):
    code = "unsupported_media_type"
    status = 415


class MethodNotAllowedError(DomainError):
    code = "method_not_allowed"
    status = 405


@dataclass(frozen=True, slots=True)
class Operation:
    """The parameters of one request.

    `query` is empty until the text is looked up of a request that names its document by `document`, the SHA-256 in
    hexadecimal. `apollo`: it came as Apollo's clients send it. `plan`: `extensions.plan` of the answer is asked for.
    """

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    document: str | None = None
    apollo: bool = False
    plan: bool = False


def read_post(body: bytes) -> Operation:
    """Raises MalformedJsonError, BadRequestError."""
    sent = loads(body)
    if isinstance(sent, list):
        raise BadRequestError("Send one operation a request; batches are not supported.", code="batch_not_supported")
    if not isinstance(sent, dict):
        raise BadRequestError('Send a JSON object such as {"query": "{ viewer { role } }"}.')
    return _operation(cast("dict[str, Any]", sent))


def read_get(parameters: Mapping[str, str]) -> Operation:
    """Raises MalformedJsonError, BadRequestError."""
    sent: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if sent.get(name):
            sent[name] = loads(parameters[name].encode(), f"The parameter {name}")
        else:
            sent.pop(name, None)
    return _operation(sent)


def check_content_type(content_type: str) -> None:
    """Raises UnsupportedMediaTypeError for everything but JSON in UTF-8."""
    media, _, parameters = content_type.partition(";")
    charset = parameters.lower().replace(" ", "").removeprefix("charset=").strip('"')
    if media.strip().lower() != JSON or charset not in {"", "utf-8", "utf8"}:
        raise UnsupportedMediaTypeError("Send the operation as JSON, with the header Content-Type: application/json.")


def bearer_token(header: str | None) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1). Raises MissingTokenError."""
    scheme, _, token = (header or "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise MissingTokenError
    return token


def _operation(sent: dict[str, Any]) -> Operation:
    query, name, variables = sent.get("query"), sent.get("operationName"), sent.get("variables")
    document, apollo = _document(sent)
    if query is None and document is not None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise BadRequestError("The parameter query is required: the text of a GraphQL document.", code="missing_query")
    if name is not None and not isinstance(name, str):
        raise BadRequestError("operationName must be a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequestError("variables must be an object.")
    if query and document is not None and document != sha256_hex(query):
        raise BadRequestError(
            "The hash is not the SHA-256 of the query that came with it.", code="document_hash_mismatch"
        )
    plan = cast("dict[str, Any]", sent.get("extensions") or {}).get("plan") is True
    return Operation(query, name or None, cast("dict[str, Any]", variables or {}), document, apollo, plan)


def _document(sent: dict[str, Any]) -> tuple[str | None, bool]:
    """The hash that a request names its document by, and whether in Apollo's way."""
    extensions: Any = sent.get("extensions")
    if not isinstance(extensions, dict | None):
        raise BadRequestError("extensions must be an object.")
    identifier = sent.get("documentId")
    if identifier is not None:
        found = DOCUMENT_ID.fullmatch(identifier) if isinstance(identifier, str) else None
        if found is None:
            raise BadRequestError(
                "documentId must be sha256: and 64 hexadecimal digits in lower case.", code="invalid_document_id"
            )
        return found[1], False
    persisted: Any = cast("dict[str, Any]", extensions or {}).get("persistedQuery")
    if persisted is None:
        return None, False
    given: Any = cast("dict[str, Any]", persisted).get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(given, str) or not APOLLO_HASH.fullmatch(given):
        raise BadRequestError(
            "extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits in lower case.",
            code="invalid_document_id",
        )
    return given, True
