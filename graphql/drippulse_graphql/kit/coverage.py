"""Which operations of REST a root field can do the work of, said at the field itself."""

from typing import Any, Final

from strawberry.types import get_object_definition

COVERS: Final = "drippulse.covers"


def covering(operations: tuple[str, ...]) -> dict[str, Any]:
    """Metadata of a root field: operation ids of the REST API's description."""
    return {COVERS: operations}


def coverage(root: type) -> dict[str, tuple[str, ...]]:
    """Field -> the operations that it covers, of a root type."""
    definition = get_object_definition(root, strict=True)
    return {field.python_name: tuple(field.metadata.get(COVERS, ())) for field in definition.fields}
