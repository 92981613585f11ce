"""A stream of server-sent events that breaks before its first message: what happens meanwhile is told all the same."""

from tests.support.event_stream import event_stream
from tests.support.organizations import TestOrganization
from tests.support.subscribing import key_of, make_contact
from tests.support.workflows import create_workflow

CHANGES = """subscription ($after: String) {
  recordChanged(recordTypes: ["contact"], after: $after) { cursor recordId } }"""
FUNNEL = "subscription ($id: ID!, $after: String) { workflowFunnel(workflowId: $id, after: $after) { cursor type } }"


async def place_of(
    url: str, organization: TestOrganization, query: str, variables: dict[str, str], last_event_id: str = ""
) -> str | None:
    """What a client knows that is cut off right after the head."""
    async with event_stream(url, key_of(organization), query, variables, **{"last-event-id": last_event_id}) as stream:
        return await stream.place()


async def test_what_happens_while_nothing_was_told_yet_is_told_after_a_break(
    url: str, organization: TestOrganization
) -> None:
    place = await place_of(url, organization, CHANGES, {})
    made = [await make_contact(organization, number) for number in range(2)]
    assert place
    assert await place_of(url, organization, CHANGES, {}, last_event_id=place) == place  # broken once more
    made.append(await make_contact(organization, 2))
    async with event_stream(url, key_of(organization), CHANGES, {}, **{"last-event-id": place}) as stream:
        assert [(await stream.value())["recordId"] for _ in made] == made


async def test_a_break_before_the_first_message_of_the_past_skips_nothing_of_it(
    url: str, organization: TestOrganization
) -> None:
    async with event_stream(url, key_of(organization), CHANGES) as stream:
        await make_contact(organization, 0)
        after = (await stream.value())["cursor"]
    made = [await make_contact(organization, number) for number in range(1, 3)]
    assert await place_of(url, organization, CHANGES, {"after": after}) == after
    async with event_stream(url, key_of(organization), CHANGES, {}, **{"last-event-id": after}) as stream:
        assert [(await stream.value())["recordId"] for _ in made] == made


async def test_what_is_told_at_once_is_told_again_when_it_was_not_heard(
    url: str, organization: TestOrganization
) -> None:
    workflow = str((await create_workflow(organization.client))["id"])
    assert await place_of(url, organization, FUNNEL, {"id": workflow}) is None
    async with event_stream(url, key_of(organization), FUNNEL, {"id": workflow}) as stream:
        first = await stream.value()
    assert first["type"] == "workflow.funnel"
    after = first["cursor"]
    assert await place_of(url, organization, FUNNEL, {"id": workflow, "after": after}) == after
