"""Which fields a form may have. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from drippulse.crm.custom_fields.state import Definition, check_value
from drippulse.crm.custom_fields.tables import FieldType
from drippulse.kit.text import did_you_mean
from drippulse.lead_forms.schemas import FormField
from drippulse.lead_forms.tables import InputType

LEAD_FIELDS: Final = (
    *("email", "first_name", "last_name", "company", "title", "phone", "website"),
    *("street", "city", "state", "postal_code", "country", "description"),
)
"""What strangers may say of themselves; score, status and the like are the organization's own."""
CUSTOM: Final = "custom."


def check_fields(fields: Sequence[FormField], custom: Mapping[str, Definition]) -> tuple[str, str] | None:
    """The place and the sentence of the first thing that is wrong, or None.

    Args:
        custom: the custom fields of leads by key.
    """
    known = [*LEAD_FIELDS, *(CUSTOM + key for key in custom)]
    seen = set[str]()
    for index, field in enumerate(fields):
        if field.name not in known:
            hint = did_you_mean(field.name, known)
            return f"fields.{index}.name", f"No field of leads.{hint} The fields are {', '.join(known)}."
        if field.name in seen:
            return f"fields.{index}.name", f"The form has {field.name} twice."
        seen.add(field.name)
        problem = _wrong(field, custom.get(field.name.removeprefix(CUSTOM)) if field.name.startswith(CUSTOM) else None)
        if problem is not None:
            return f"fields.{index}.{problem[0]}", problem[1]
    for key, definition in custom.items():
        if definition.required and definition.default is None and CUSTOM + key not in seen:
            return "fields", f"Leads need the custom field {key}; put {CUSTOM}{key} into the form."
    return None


def _wrong(field: FormField, definition: Definition | None) -> tuple[str, str] | None:
    if field.type is InputType.SELECT and not field.options:
        return "options", "A select needs at least one option."
    if field.type is not InputType.SELECT and field.options:
        return "options", f"A {field.type.value} has no options; leave them out."
    if field.name == "email" and field.type is not InputType.EMAIL:
        return "type", "The field email has the type email."
    if field.type is InputType.CHECKBOX and (definition is None or definition.type is not FieldType.BOOLEAN):
        return "type", "A checkbox is for custom fields that are boolean."
    if definition is None:
        return None
    for option in field.options:
        try:
            check_value(definition, option)
        except ValueError as error:
            return "options", f'"{option}" does not fit the custom field: {error}'
    return None
