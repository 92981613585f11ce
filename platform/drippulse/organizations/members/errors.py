"""Errors of team members."""

from drippulse.kit.errors import ConflictError, DomainError, ForbiddenError, NotFoundError


class MemberExistsError(ConflictError):
    """Somebody with this address belongs to the team, or is invited."""

    code = "member_exists"

    def __init__(self, status: str) -> None:
        way_out = "send the invitation again instead" if status == "invited" else "change the member instead"
        super().__init__(f"Somebody with this e-mail address is {status} already; {way_out}.")


class LastAdminError(ConflictError):
    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last Admin of the organization; make somebody else Admin first.")


class OwnRoleError(ForbiddenError):
    code = "own_role"

    def __init__(self) -> None:
        super().__init__("Nobody changes their own role; ask another Admin.")


class NotInvitedError(ConflictError):
    """There is no invitation that could be sent again."""

    code = "not_invited"

    def __init__(self, status: str) -> None:
        super().__init__(f"This member is {status}, so there is no invitation to send again.")


class NeverJoinedError(ConflictError):
    code = "never_joined"

    def __init__(self) -> None:
        super().__init__("This invitation was withdrawn before it was accepted; invite the address anew.")


class InvitationNotFoundError(NotFoundError):
    """Unknown, used, withdrawn or replaced: all alike."""

    code = "invitation_not_found"

    def __init__(self) -> None:
        super().__init__("This invitation does not exist, was used or was withdrawn. Ask for a new one.")


class InvitationExpiredError(DomainError):
    code = "invitation_expired"
    status = 410

    def __init__(self) -> None:
        super().__init__("This invitation has expired. Ask for a new one.")
