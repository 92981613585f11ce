"""The description of the API, made once per process: that takes seconds."""

from copy import deepcopy
from functools import lru_cache
from typing import Any

from drippulse_rest.app import openapi_document


def api_description() -> dict[str, Any]:
    """A copy, which may be changed."""
    return deepcopy(_made())


@lru_cache
def _made() -> dict[str, Any]:
    return openapi_document()
