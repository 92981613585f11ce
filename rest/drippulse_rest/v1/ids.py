"""The dialect's ids, and the ids behind them. What is no id at all is simply one that does not exist."""

from typing import Annotated, TypeAlias

from litestar.params import PathParameter

from drippulse.kit.errors import not_found
from drippulse.kit.public_ids import decode_id, encode_id

WorkflowRef: TypeAlias = Annotated[str, PathParameter(description="Id of a workflow, wf_…")]
ContactRef: TypeAlias = Annotated[str, PathParameter(description="Id of a contact, con_…")]
TemplateRef: TypeAlias = Annotated[str, PathParameter(description="Id of a template, tpl_…")]
EnrollmentRef: TypeAlias = Annotated[str, PathParameter(description="Id of an enrollment, enr_…")]

WORKFLOW, ENROLLMENT, TEMPLATE, CONTACT = "wf", "enr", "tpl", "con"
STORED_CONTACT = "cnt"
RESOURCES = {WORKFLOW: "workflow", ENROLLMENT: "enrollment", TEMPLATE: "template"}


def shown(prefix: str, number: int) -> str:
    return encode_id(prefix, number)


def number_of(prefix: str, text: str) -> int:
    """Raises NotFoundError."""
    number = decode_id(prefix, text)
    if number is None:
        raise not_found(RESOURCES[prefix])
    return number


def shown_contact(public_id: str | None) -> str | None:
    """`con_…` for a contact's public id; None for what is no contact's."""
    number = decode_id(STORED_CONTACT, public_id or "")
    return None if number is None else encode_id(CONTACT, number)


def contact_public_id(text: str) -> str:
    """The public id; for anything else a text that no contact has as its own."""
    number = decode_id(CONTACT, text)
    return "" if number is None else encode_id(STORED_CONTACT, number)
