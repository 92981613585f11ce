"""What tests of subscriptions begin with."""

from drippulse.organizations.tables import MemberRole
from tests.support.organizations import TestOrganization


def key_of(organization: TestOrganization, role: MemberRole = MemberRole.ADMIN) -> str:
    return organization.keys[role]


async def make_contact(organization: TestOrganization, number: int) -> str:
    """Its id."""
    answer = await organization.client.post("/api/v1/crm/contacts", json={"email": f"c{number}@example.com"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
