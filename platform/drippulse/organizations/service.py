"""What tenancy does: make organizations, users and keys."""

from datetime import datetime

from drippulse.kit.db import Database, Role, Session
from drippulse.organizations import queries
from drippulse.organizations.api_keys import NewKey, make_key
from drippulse.organizations.errors import UnknownOrganizationError, UnknownRoleError, UsernameTakenError
from drippulse.organizations.tables import ApiKey, MemberRole, Membership, Organization


def parse_role(text: str) -> MemberRole:
    """The role named `text` in any case.

    Raises:
        UnknownRoleError: there is none; the message lists them.
    """
    for role in MemberRole:
        if role.value.lower() == text.lower():
            return role
    raise UnknownRoleError(f'"{text}" is not a role. The roles are {", ".join(role.value for role in MemberRole)}.')


async def organization_id(database: Database, name: str) -> int:
    """Raises UnknownOrganizationError when there is none of this name."""
    async with database.session(Role.AUTH) as session:
        found = await queries.organization_id_by_name(session, name)
    if found is None:
        raise UnknownOrganizationError(f'There is no organization "{name}". `drippulse create-admin` makes one.')
    return found


async def create_organization(database: Database, name: str) -> int:
    """A new organization; its id."""
    async with database.session(Role.APP) as session:
        new_id = await session.fetchval("SELECT nextval('organization_id_seq')")
        await session.execute("SELECT set_config('app.organization_id', $1, true)", str(new_id))
        await Organization.insert(Organization(id=new_id, name=name))
    return int(new_id)


async def create_member(
    session: Session, organization: int, *, username: str, email: str | None, password_hash: str, role: MemberRole
) -> int:
    """A new user with a membership, in a tenant session; the user's id."""
    new_id = int(await session.fetchval("SELECT nextval('app_user_id_seq')"))
    await session.execute(
        "INSERT INTO app_user (id, username, email, password_hash) VALUES ($1, $2, $3, $4)",
        new_id,
        username,
        email,
        password_hash,
    )
    await Membership.insert(Membership(organization_id=organization, user_id=new_id, role=role.value))
    return new_id


async def create_api_key(
    organization: int, *, name: str, role: MemberRole, created_by: int | None = None, expires_at: datetime | None = None
) -> NewKey:
    """A new key, in a tenant session. The whole key is in the answer and nowhere else."""
    new = make_key()
    await ApiKey.insert(
        ApiKey(
            organization_id=organization,
            name=name,
            key_hash=new.key_hash,
            key_prefix=new.key_prefix,
            last_four=new.last_four,
            role=role.value,
            created_by=created_by,
            expires_at=expires_at,
        )
    )
    return new


async def refuse_taken_username(database: Database, username: str) -> None:
    """Raises UsernameTakenError."""
    async with database.session(Role.AUTH) as session:
        if await queries.username_exists(session, username):
            raise UsernameTakenError(f'A user "{username}" exists already; choose another name.')
