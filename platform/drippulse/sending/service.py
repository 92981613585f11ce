"""The sending policy and its status, as the edges ask for them."""

from datetime import datetime
from typing import Any

from drippulse.events import service as events
from drippulse.kit.clock import isoformat
from drippulse.kit.db import Record, Session
from drippulse.kit.validation import parse
from drippulse.organizations.policy import Principal
from drippulse.sending import breaker, queries, suppressions
from drippulse.sending.schemas import SendingPolicy, SendingUpdate, parsed
from drippulse.sending.state import WINDOWS, ramp_allowance
from drippulse.sending.tables import Scope

TOTALS = ("sent", "delivered", "bounced", "soft_bounced", "complained")
NAMES = {seconds: name for name, seconds in WINDOWS.items()}


def present(policy: SendingPolicy) -> dict[str, Any]:
    """The policy as it is answered, defaults filled in."""
    return policy.model_dump(mode="json")


async def get_policy(session: Session, principal: Principal) -> dict[str, Any]:
    row = await queries.state(session, principal.organization_id)
    return present(parsed(row["sending"]))


async def update_policy(session: Session, principal: Principal, data: SendingUpdate, now: datetime) -> dict[str, Any]:
    """Replace the parts that are given. Whatever waits for a cap or for quiet hours is looked at again at once."""
    organization = principal.organization_id
    stored = parsed(await queries.lock_policy(session, organization)).model_dump(mode="json", exclude_unset=True)
    given = data.model_dump(mode="json", exclude_unset=True)
    kept = {name: part for name, part in {**stored, **given}.items() if part is not None}
    if given.get("ramp_up") and not given["ramp_up"].get("started_at"):
        kept["ramp_up"]["started_at"] = isoformat(now)
    policy = parse(SendingPolicy, kept)
    await queries.set_policy(session, organization, policy.model_dump_json(exclude_unset=True))
    await events.append(session, "sending.updated", "organization", organization, principal, {"changed": sorted(given)})
    await queries.reissue(session, organization)
    return present(policy)


async def status(session: Session, principal: Principal) -> dict[str, Any]:
    """Counts against caps, rates, the breaker, what waits, and how many addresses are suppressed."""
    organization = principal.organization_id
    row = await queries.state(session, organization)
    policy = parsed(row["sending"])
    window = await queries.window_totals(session, organization, policy.breaker.window_days)
    today = await queries.window_totals(session, organization, 1)
    counts = [_count(policy, one, row["now"]) for one in await queries.counts(session, organization)]
    return {
        "breaker": _breaker(policy, row, window),
        "today": {name: today[name] for name in TOTALS},
        "window": {name: window[name] for name in TOTALS},
        "counts": [one for one in counts if one is not None],
        "waiting": await queries.waiting(session, organization),
        "suppressed": await suppressions.count(session, organization),
    }


def _breaker(policy: SendingPolicy, row: Record, window: Record) -> dict[str, Any]:
    totals = breaker.Totals(window["counted_sent"], window["counted_bounced"], window["counted_complained"])
    return {
        "state": row["breaker"],
        "since": isoformat(row["since"]),
        "reason": row["reason"],
        "note": row["note"],
        "sent": totals.sent,
        "bounced": totals.bounced,
        "complained": totals.complained,
        "bounce_rate": round(totals.bounce_rate, 6),
        "complaint_rate": round(totals.complaint_rate, 6),
        "counts": totals.sent >= policy.breaker.minimum_sends,
    }


def _count(policy: SendingPolicy, row: Record, now: datetime) -> dict[str, Any] | None:
    """None for windows of a cap that there is no more."""
    if row["scope"] == Scope.RAMP_UP:
        cap = ramp_allowance(policy.ramp_up, now) if policy.ramp_up else None
    else:
        cap = getattr(getattr(policy.caps, row["scope"]), NAMES[row["seconds"]])
    if cap is None:
        return None
    ends = row["starts_at"].timestamp() + row["seconds"]
    return {
        "scope": row["scope"],
        "key": row["key"],
        "window": NAMES[row["seconds"]],
        "cap": cap,
        "sent": row["sent"],
        "put_off": row["put_off"],
        "starts_at": isoformat(row["starts_at"]),
        "ends_at": isoformat(datetime.fromtimestamp(ends, row["starts_at"].tzinfo)),
    }


async def reset_breaker(session: Session, principal: Principal, note: str) -> dict[str, Any]:
    """Let mail go again; the status after it. Also without a stop: the rates begin anew."""
    await breaker.reset(session, principal.organization_id, note, principal)
    return await status(session, principal)


async def rotate_bounce_webhook(session: Session, principal: Principal) -> None:
    """End the present secret and token at once."""
    await queries.rotate_bounce_secret(session, principal.organization_id)
    await events.append(
        session, "sending.bounce_secret_rotated", "organization", principal.organization_id, principal, {}
    )
