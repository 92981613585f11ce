"""Errors of trusted documents."""

from drippulse.kit.errors import ConflictError, DomainError, ForbiddenError, ValidationError

HOW = "Register it with PUT /api/v1/graphql/documents or `drippulse graphql documents push`."


class InvalidDocumentsError(ValidationError):
    """Nothing of the manifest was registered; `errors` has the places in each document."""

    code = "invalid_documents"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        count = f"{len(errors)} documents" if len(errors) > 1 else "One document"
        first = next(iter(errors))
        super().__init__(f"{count} cannot be registered. {first}: {errors[first][0]}", errors=errors)


class TooManyDocumentsError(ConflictError):
    code = "too_many_documents"

    def __init__(self, most: int) -> None:
        super().__init__(f"An organization may register {most} documents. Delete those that no client uses any more.")


class UnknownDocumentError(DomainError):
    """Its id has the right shape; nothing is registered under it."""

    code = "document_not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__(f"No document with this id is registered in your organization. {HOW}")


class PersistedQueryNotFoundError(UnknownDocumentError):
    """The same for Apollo's clients, which know it by this message and this code and send the text then."""

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__()
        self.message = "PersistedQueryNotFound"


class UntrustedDocumentError(ForbiddenError):
    code = "untrusted_document"

    def __init__(self) -> None:
        super().__init__(f"Your organization runs registered documents only, and this is none of them. {HOW}")
