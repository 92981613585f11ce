"""Checks on Redis and the mail server."""

import smtplib
from urllib.parse import urlsplit

from drippulse.settings import Settings
from drippulse_server.doctor.check import Check, fail, ok, skipped
from drippulse_server.failures import CommandFailure
from drippulse_server.up.checks import reachable_redis, without_secrets

SMTP_SECONDS = 5.0


async def check_redis(settings: Settings) -> Check:
    """Answers a PING."""
    name = "Redis"
    if not settings.redis_url:
        return skipped(name, "DRIPPULSE_REDIS_URL is not set")
    try:
        await reachable_redis(settings.redis_url)
    except CommandFailure as failure:
        finding, _, remedy = failure.message.partition(": check ")
        return fail(name, finding, f"check {remedy}" if remedy else "start it")
    return ok(name, without_secrets(settings.redis_url))


def check_smtp(settings: Settings) -> Check:
    """Greets us; nothing is sent and nobody logs in."""
    name = "mail server"
    if not settings.smtp_url:
        return skipped(name, "DRIPPULSE_SMTP_URL is not set")
    try:
        url = urlsplit(settings.smtp_url)
        if url.scheme == "smtps":
            connection = smtplib.SMTP_SSL(url.hostname or "", url.port or 465, timeout=SMTP_SECONDS)
        else:
            connection = smtplib.SMTP(url.hostname or "", url.port or 25, timeout=SMTP_SECONDS)
        with connection:
            connection.ehlo()
    except (OSError, ValueError) as error:
        where = without_secrets(settings.smtp_url)
        return fail(name, f"{where}: {error}", "check DRIPPULSE_SMTP_URL and that the server lets this machine in")
    return ok(name, without_secrets(settings.smtp_url))
