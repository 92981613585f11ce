"""Errors of projects."""

from drippulse.kit.errors import ConflictError


class ProjectExistsError(ConflictError):
    code = "project_exists"

    def __init__(self, name: str) -> None:
        sentence = f'A project "{name}" exists already; choose another name.'
        super().__init__(sentence, errors={"name": [sentence]})
