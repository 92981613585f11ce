"""Errors of lead forms."""

from drippulse.kit.errors import DomainError, NotFoundError, ValidationError


class InvalidLeadFormError(ValidationError):
    """A definition that cannot work; `place` is the field's path."""

    def __init__(self, place: str, sentence: str) -> None:
        super().__init__(f"{place}: {sentence}", errors={place: [sentence]})


class FormNotFoundError(NotFoundError):
    """No form has this address (any more)."""

    code = "lead_form_not_found"

    def __init__(self) -> None:
        super().__init__("There is no form at this address. Ask who gave it to you for the new one.")


class FormPausedError(DomainError):
    """Nobody can send the form at the moment."""

    code = "lead_form_paused"
    status = 410

    def __init__(self) -> None:
        super().__init__("This form is closed at the moment; nothing can be sent.")


class FormRefusedError(ValidationError):
    """What was filled in has to be changed; `errors` is by field name, `form` for the whole of it."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        first = next(iter(errors))
        super().__init__(errors[first][0], errors=errors)
