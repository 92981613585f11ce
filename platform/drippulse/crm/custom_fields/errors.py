"""Errors of custom fields."""

from drippulse.kit.errors import ConflictError, ValidationError


class CustomFieldExistsError(ConflictError):
    code = "custom_field_exists"

    def __init__(self, record_type: str, key: str) -> None:
        sentence = f'The {record_type} has a custom field "{key}" already; choose another key.'
        super().__init__(sentence, errors={"key": [sentence]})


class TooManyCustomFieldsError(ConflictError):
    code = "too_many_custom_fields"

    def __init__(self, most: int) -> None:
        super().__init__(f"A record type has {most} custom fields at most. Delete one first.")


class InvalidCustomFieldError(ValidationError):
    """A definition that contradicts itself."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}", errors={field: [sentence]})
