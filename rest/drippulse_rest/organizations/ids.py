"""The ids in paths of an organization's own affairs."""

from typing import Annotated, TypeAlias

from litestar.params import PathParameter

MemberId: TypeAlias = Annotated[int, PathParameter(description="Id of a team member.")]
KeyId: TypeAlias = Annotated[int, PathParameter(description="Id of an API key.")]
