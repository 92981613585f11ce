"""The mutations of this feature."""

from drippulse_graphql.kit.declared import Declared
from drippulse_graphql.projects.create_project import create_project
from drippulse_graphql.projects.delete_project import delete_project
from drippulse_graphql.projects.update_project import update_project

MUTATIONS: tuple[Declared, ...] = (
    create_project,
    update_project,
    delete_project,
)
