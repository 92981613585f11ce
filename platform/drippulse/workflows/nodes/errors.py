"""Errors of the nodes dialect."""

from drippulse.kit.errors import BadRequestError


class InvalidNodesError(BadRequestError):
    """The nodes do not make a runnable workflow; `errors` has every finding (`nodes.3.nextNodeId`)."""

    code = "invalid_workflow"

    def __init__(self, errors: dict[str, list[str]]) -> None:
        path, sentences = next(iter(errors.items()))
        more = sum(map(len, errors.values())) - 1
        rest = f" ({more} more of this kind)" if more else ""
        super().__init__(f"{path} {sentences[0].rstrip('.')}.{rest}", errors=errors)
