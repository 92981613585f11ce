"""Who may change a pipeline."""

from uuid import UUID

from drippulse.crm.pipelines.errors import NoPersonError, NotYourPipelineError
from drippulse.events.service import Actor
from drippulse.kit.db import Record
from drippulse.organizations.policy import Permission, Principal


def person_of(actor: Actor) -> int | None:
    """Whose pipelines and preference count: the user, or the member who made the API key."""
    return actor.user_id if isinstance(actor, Principal) else actor.actor_id if actor.actor_type == "user" else None


def require_person(actor: Actor) -> int:
    """Raises NoPersonError."""
    person = person_of(actor)
    if person is None:
        raise NoPersonError
    return person


def may_change(principal: Principal, pipeline: Record) -> bool:
    """Admins every one, others their own."""
    owner = pipeline["user_id"]
    return principal.allows(Permission.ADMINISTER) or (owner is not None and owner == principal.user_id)


def require_owner(principal: Principal, pipeline: Record) -> UUID:
    """The pipeline's id, when this caller may change it. Raises NotYourPipelineError."""
    if not may_change(principal, pipeline):
        raise NotYourPipelineError(of_organization=pipeline["user_id"] is None)
    return pipeline["id"]
