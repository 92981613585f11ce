"""Which records a call that concerns many of them means."""

from collections.abc import Sequence

from drippulse.crm.bulk.schemas import Selection
from drippulse.crm.custom_fields import service as custom_fields
from drippulse.crm.custom_fields.filtering import found
from drippulse.crm.listing import fields_of
from drippulse.crm.tables import RecordType
from drippulse.kit.conditions import names_with, read_conditions, texts_of
from drippulse.kit.db import Session
from drippulse.kit.pagination import Found, ListRequest
from drippulse.organizations.policy import Principal

CUSTOM = "custom."


async def selected(
    session: Session, principal: Principal, kind: RecordType, selection: Selection
) -> Sequence[str] | ListRequest:
    """The ids that are named, or the conditions of the filter.

    Raises:
        ValidationError: the filter has a condition that the list of these records does not take.
    """
    if selection.ids is not None:
        return selection.ids
    texts = texts_of(selection.filter or {})
    asked, custom = names_with(texts, CUSTOM), Found()
    if asked:
        definitions = await custom_fields.definitions_of(session, kind, principal.organization_id)
        custom = found(definitions, asked)
    return read_conditions(texts, fields_of(kind), custom)
