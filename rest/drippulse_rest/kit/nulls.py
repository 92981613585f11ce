"""`?limit=null`: Litestar reads it as left out wherever None may stand; here it is no number and no choice."""

from typing import Any, get_args

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from drippulse.kit.errors import ValidationError


def refuse_null(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises ValidationError for a parameter that takes no text."""
    if b"=null" not in connection.scope["query_string"].lower():
        return
    for field in handler.parsed_fn_signature.parameters.values():
        name = str(getattr(field.kwarg_definition, "name", None) or field.name)
        takes_text = str in (field.annotation, *get_args(field.annotation))
        if not takes_text and "null" in [text.lower() for text in connection.query_params.getall(name, [])]:
            sentence = f"{name}: null is not a value; leave the parameter out."
            raise ValidationError(sentence, errors={name: [sentence]})
