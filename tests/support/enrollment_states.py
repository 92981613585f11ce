"""Enrollments in every state that an answer tells apart."""

from drippulse.kit.services import AppServices
from tests.support.organizations import TestOrganization
from tests.support.timeline import write_timeline
from tests.support.workflows import enroll

STATES = {
    "waiting": "next_run_at = now() + interval '1 day', wait_reason = 'send_window', current_step_index = 1",
    "completed": "status = 'completed', current_step_index = 2, next_run_at = NULL, finished_at = now()",
    "failed": """status = 'failed', next_run_at = NULL, finished_at = now(), attempt = 5,
        last_error = '{"code": "smtp", "message": "refused", "step_index": 1, "at": "2026-01-02T03:04:05.678Z"}'""",
    "paused": "status = 'paused', current_step_index = 1",
    "leased": "claimable_at = now() + interval '30 seconds', fence = 7",
    "held": "claimable_at = NULL, holds = 4, next_run_at = now() - interval '1 hour'",
    "held while waiting": """claimable_at = NULL, holds = 12, wait_reason = 'wait', current_step_index = 1,
        next_run_at = now() + interval '1 day'""",
    "unknown": "claimable_at = NULL, next_run_at = NULL, wait_reason = 'outcome_unknown', current_step_index = 1",
    "waiting for decades": "next_run_at = now() + interval '60 years', current_step_index = 1",
    "nameless": "first_name = '', last_name = ''",
}


async def in_every_state(services: AppServices, organization: TestOrganization, workflow_id: int) -> list[int]:
    """Their ids, with timelines, mails and events."""
    contacts = [
        {"email": f"{state}@example.com", "first_name": "Ada", "last_name": "Løve", "name": "A. L.", "lead_ref": state}
        for state in STATES
    ]
    ids: list[int] = (await enroll(organization.client, workflow_id, *contacts))["enrollment_ids"]
    async with services.database.tenant(organization.id) as session:
        for number, change in zip(ids, STATES.values(), strict=True):
            await session.execute(f"UPDATE enrollment SET {change} WHERE id = $1", number)
        entries = """jsonb_build_array(
            jsonb_build_array(1, 0, 'completed', 1, now() + interval '1234567 us', now(), '{"a": 1}'::jsonb,
              '{"b": [2]}'::jsonb),
            jsonb_build_array(2, 1, 'completed', 1, now(), now() - interval '365 days', NULL, '{}'::jsonb))"""
        await write_timeline(session, ids[:1], entries)
        delivery = await session.fetchval(
            """INSERT INTO delivery (organization_id, enrollment_id, workflow_id, visit, step_id, step_index, recipient,
                 subject, message_id, status, links, sent_at, feedback, feedback_at)
               VALUES ($1, $2, $3, 1, 's1', 0, 'a@b.com', 'Hi', '<1@x>', 'sent', '{}', now(), 'bounced', now())
               RETURNING id""",
            organization.id,
            ids[0],
            workflow_id,
        )
        await session.execute(
            """INSERT INTO nurture_event (organization_id, enrollment_id, delivery_id, type, url)
               VALUES ($1, $2, $3, 'click', 'u')""",
            organization.id,
            ids[0],
            delivery,
        )
    return ids
