"""Making the demo organization through the domain's services, in one transaction: it is there whole or not at all."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from drippulse.crm import service as crm
from drippulse.crm.pipelines import service as pipelines
from drippulse.crm.records import SPECS
from drippulse.crm.tables import RecordType
from drippulse.enrollments import service as enrollments
from drippulse.enrollments.contacts import read_batch
from drippulse.enrollments.wake import Waker
from drippulse.kit.crypto import Vault
from drippulse.kit.db import Database, Role, Session
from drippulse.kit.pagination import ListRequest, PageRequest
from drippulse.kit.validation import parse
from drippulse.organizations import queries as organization_queries
from drippulse.organizations import service as organizations
from drippulse.organizations.audit import service as audit
from drippulse.organizations.audit.actions import AuditAction
from drippulse.organizations.bootstrap import COMMAND_LINE
from drippulse.organizations.passwords import hash_password
from drippulse.organizations.policy import Principal
from drippulse.organizations.tables import MemberRole
from drippulse.projects import service as projects
from drippulse.projects.schemas import ProjectCreate
from drippulse.workflows import service as workflows
from drippulse.workflows.publishing import drafts
from drippulse.workflows.publishing.schemas import DraftIn
from drippulse.workflows.schemas import WorkflowCreate
from drippulse_server.demo.contents import Contents
from drippulse_server.demo.workflows import TEAM_SIZES, WORKFLOWS, DemoWorkflow
from drippulse_server.failures import CommandFailure

ORGANIZATION = "DripPulse demo"
TEAM = (
    ("demo-admin", MemberRole.ADMIN),
    ("demo-editor", MemberRole.EDITOR),
    ("demo-approver", MemberRole.APPROVER),
    ("demo-viewer", MemberRole.VIEWER),
)
PLACE = "_place"
ALL = ListRequest(PageRequest(limit=None))


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made. Password and key are told this once."""

    organization_id: int
    password: str
    api_key: str
    people: dict[MemberRole, int]
    workflows: dict[str, int]

    def principal(self, role: MemberRole) -> Principal:
        number = self.people[role]
        return Principal(self.organization_id, role, "user", number, f"session:{number}", user_id=number)


async def seed(database: Database, vault: Vault, waker: Waker, contents: Contents) -> Seeded | None:
    """None when the demo organization is there already; nothing is changed then.

    Raises:
        CommandFailure: somebody else has one of its names.
    """
    organization_id = await _organization(database)
    password = secrets.token_urlsafe(15)
    hashed, locked = await hash_password(password), await hash_password(secrets.token_urlsafe(32))
    try:
        async with database.tenant(organization_id) as session:
            if await session.fetchval("SELECT EXISTS (SELECT FROM membership m WHERE m.organization_id = $1)",
                                      organization_id):  # fmt: skip
                return None
            people = await _team(session, organization_id, hashed, locked)
            principal = Principal(
                organization_id, MemberRole.ADMIN, "user", people[MemberRole.ADMIN], "command line",
                user_id=people[MemberRole.ADMIN],
            )  # fmt: skip
            key = await _key(session, principal)
            await _records(session, principal, contents, list(people.values()))
            made = await _workflows(session, principal, vault, waker, contents)
    except asyncpg.UniqueViolationError as error:
        raise CommandFailure(
            f"The demo's people ({', '.join(name for name, _ in TEAM)}) belong to another organization, or another "
            f"`drippulse demo` is at work: {error}."
        ) from error
    return Seeded(organization_id, password, key, people, made)


async def _organization(database: Database) -> int:
    async with database.session(Role.AUTH) as session:
        found = await organization_queries.organization_id_by_name(session, ORGANIZATION)
    return await organizations.create_organization(database, ORGANIZATION) if found is None else int(found)


async def _team(session: Session, organization_id: int, hashed: str, locked: str) -> dict[MemberRole, int]:
    """Only the Admin can log in; the others are there to own and to decide things."""
    return {
        role: await organizations.create_member(
            session,
            organization_id,
            username=username,
            email=f"{username}@example.com",
            password_hash=hashed if role is MemberRole.ADMIN else locked,
            role=role,
        )
        for username, role in TEAM
    }


async def _key(session: Session, principal: Principal) -> str:
    key = await organizations.create_api_key(
        principal.organization_id, name="Demo key", role=MemberRole.ADMIN, created_by=principal.user_id
    )
    details = {"name": "Demo key", "role": MemberRole.ADMIN.value, "last_four": key.last_four, "by": COMMAND_LINE}
    await audit.record(session, principal, AuditAction.API_KEY_CREATED, None, details)
    return key.key


async def _records(session: Session, principal: Principal, contents: Contents, owners: Sequence[int]) -> None:
    async def make(kind: RecordType, fields: dict[str, Any]) -> str:
        plain = {name: value for name, value in fields.items() if not name.endswith(PLACE)}
        row = await crm.create_record(session, principal, kind, parse(SPECS[kind].fields, plain))
        return str(row["id"])

    accounts = [await make(RecordType.ACCOUNT, {**one, "owner_id": owners[0]}) for one in contents.accounts]
    people = [
        await make(RecordType.CONTACT, {**one, "account_id": accounts[one["account_place"]], "owner_id": owners[1]})
        for one in contents.contacts
    ]
    for lead in contents.leads:
        await make(RecordType.LEAD, lead)
    listed = (await pipelines.list_pipelines(session, principal, ALL))["pipelines"]
    stages = [stage["id"] for stage in listed[0]["stages"]]
    deals = [
        await make(
            RecordType.OPPORTUNITY,
            {
                **one,
                "contact_id": people[one["contact_place"]],
                "account_id": accounts[contents.contacts[one["contact_place"]]["account_place"]],
                "pipeline_stage_id": stages[one["stage_place"] % len(stages)],
                "owner_id": owners[place % 2],
            },
        )
        for place, one in enumerate(contents.deals)
    ]
    for one in contents.activities:
        about: dict[str, Any] = {"contact_id": people[one["contact_place"]]} if "contact_place" in one else {}
        if "deal_place" in one:
            about["opportunity_id"] = deals[one["deal_place"]]
        await make(RecordType.ACTIVITY, {**one, **about})


async def _workflows(
    session: Session, principal: Principal, vault: Vault, waker: Waker, contents: Contents
) -> dict[str, int]:
    made: dict[str, int] = {}
    grouped: dict[str, int] = {}
    for one in WORKFLOWS:
        if one.project not in grouped:
            data = ProjectCreate(name=one.project, color="#1a73e8")
            grouped[one.project] = (await projects.create_project(session, principal, data))["id"]
        made[one.name] = await _workflow(session, principal, vault, one, grouped[one.project])
        if one.people:
            body = {"contacts": [_enrolled(contents, place) for place in one.people]}
            batch = read_batch(body, may_hold_nul=False)
            await enrollments.bulk_enroll(session, principal, waker, made[one.name], batch)
    return made


async def _workflow(session: Session, principal: Principal, vault: Vault, one: DemoWorkflow, project_id: int) -> int:
    data = WorkflowCreate.model_validate(
        {
            "name": one.name,
            "description": one.description,
            "status": one.status,
            "steps": list(one.steps),
            "settings": one.settings,
            "project_id": project_id,
        }
    )
    number = int((await workflows.create_workflow(session, principal, vault, data))["id"])
    if one.draft:
        await drafts.save_draft(session, principal, vault, number, DraftIn(steps=list(one.draft)), None)
    return number


def _enrolled(contents: Contents, place: int) -> dict[str, Any]:
    person = contents.contacts[place]
    names = ("email", "first_name", "last_name", "company", "timezone")
    return {**{name: person[name] for name in names}, "team_size": TEAM_SIZES[place % len(TEAM_SIZES)]}
