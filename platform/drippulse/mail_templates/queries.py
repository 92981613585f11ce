"""Reads and writes of mail templates. Every statement names the organization."""

from collections.abc import Sequence

from drippulse.kit.db import Record, Session
from drippulse.kit.ids import is_id
from drippulse.mail_templates.schemas import TemplateTexts

COLUMNS = "t.id, t.name, t.subject, t.body, t.html, t.sender, t.version, t.created_at, t.updated_at"
LIVE = "t.organization_id = $1 AND t.deleted_at IS NULL"


async def insert(session: Session, organization_id: int, texts: TemplateTexts) -> int:
    new_id = await session.fetchval(
        """INSERT INTO mail_template (organization_id, name, subject, body, html, sender)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING id""",
        organization_id,
        texts.name,
        texts.subject,
        texts.body,
        texts.html,
        texts.sender,
    )
    return int(new_id)


async def by_id(session: Session, organization_id: int, template_id: int) -> Record | None:
    if not is_id(template_id):
        return None
    return await session.fetchrow(
        f"SELECT {COLUMNS} FROM mail_template t WHERE {LIVE} AND t.id = $2", organization_id, template_id
    )


async def by_ids(session: Session, organization_id: int, template_ids: Sequence[int]) -> dict[int, Record]:
    """Those that exist, by id."""
    rows = await session.fetch(
        f"SELECT {COLUMNS} FROM mail_template t WHERE {LIVE} AND t.id = ANY ($2::bigint[])",
        organization_id,
        [number for number in template_ids if is_id(number)],
    )
    return {row["id"]: row for row in rows}


async def page(
    session: Session, organization_id: int, limit: int | None, offset: int, before_id: int | None = None
) -> list[Record]:
    """Newest first; those before `before_id`."""
    return await session.fetch(
        f"""SELECT {COLUMNS} FROM mail_template t WHERE {LIVE} AND ($4::bigint IS NULL OR t.id < $4)
            ORDER BY t.id DESC LIMIT $2 OFFSET $3""",
        organization_id,
        limit,
        offset,
        before_id,
    )


async def count(session: Session, organization_id: int) -> int:
    return int(await session.fetchval(f"SELECT count(*) FROM mail_template t WHERE {LIVE}", organization_id))


async def update(session: Session, organization_id: int, template_id: int, texts: TemplateTexts) -> None:
    await session.execute(
        """UPDATE mail_template SET name = $3, subject = $4, body = $5, html = $6, sender = $7, version = version + 1,
           updated_at = now() WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL""",
        organization_id,
        template_id,
        texts.name,
        texts.subject,
        texts.body,
        texts.html,
        texts.sender,
    )


async def soft_delete(session: Session, organization_id: int, template_id: int) -> bool:
    """False when there is none."""
    done = await session.fetchval(
        """UPDATE mail_template SET deleted_at = now(), updated_at = now()
           WHERE organization_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING id""",
        organization_id,
        template_id,
    )
    return done is not None
