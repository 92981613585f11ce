"""What projects are called in the schema."""

from drippulse.projects.schemas import ProjectOut
from drippulse_graphql.kit.declared import Subject
from drippulse_graphql.kit.models.names import identified

PROJECT = Subject("Project")
identified(ProjectOut, PROJECT.type_name)
