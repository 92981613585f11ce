"""Mails through the engine, rendering and tracking on, beside a bare aiosmtplib loop with the same concurrency."""

import asyncio
import time
from email.message import EmailMessage
from email.policy import SMTP

import aiosmtplib

from tests.bench.table import Results
from tests.support.smtp_sink import SmtpSink
from tests.support.world import World, email, step

MAILS = 3_000
CONCURRENCY = 50
TARGET = 0.7

FILL = """
INSERT INTO enrollment (organization_id, workflow_id, workflow_version, email, step_id, bag)
SELECT $1, $2, 1, 'p' || n || '@example.com', 'trigger',
  jsonb_build_object('email', 'p' || n || '@example.com', 'first_name', 'Ada') FROM generate_series(1, $3) n
"""


async def bare_rate(sink: SmtpSink, *, finished: bool = False) -> float:
    """Mails per second of `CONCURRENCY` aiosmtplib connections that send one prepared message over and over.

    Args:
        finished: hand its bytes over. aiosmtplib serializes a message object anew each time, which takes longer than
            all the rest.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hi Ada"
    message.set_content("Hello Ada")
    message.add_alternative("<p>Hello Ada</p>" * 10, subtype="html")
    content = message.as_bytes(policy=SMTP)
    left = MAILS

    async def one() -> None:
        nonlocal left
        host, port = sink.url.removeprefix("smtp://").split(":")
        async with aiosmtplib.SMTP(hostname=host, port=int(port)) as client:
            while left > 0:
                left -= 1
                if finished:
                    await client.sendmail("a@example.com", "b@example.com", content)
                else:
                    await client.send_message(message)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONCURRENCY)))
    return MAILS / (time.perf_counter() - began)


async def engine_rate(world: World) -> float:
    workflow = await world.workflow(
        step("trigger"), email(html="<p>Hello {{ first_name }} <a href='https://x.org/'>go</a></p>" * 5)
    )
    await world.sql(FILL, world.organization_id, workflow, MAILS)
    world.sink.taken, world.sink.keep = 0, False
    async with world.engine(worker_concurrency=CONCURRENCY, smtp_timeout_seconds=20.0) as engine:
        began = time.perf_counter()
        await engine.drain()
        elapsed = time.perf_counter() - began
    assert world.sink.taken == MAILS, world.sink.taken
    return MAILS / elapsed


async def measure(world: World, results: Results) -> None:
    world.sink.keep = False
    bare = await bare_rate(world.sink)
    finished = await bare_rate(world.sink, finished=True)
    rate = await engine_rate(world)
    results.add(
        "mails through SMTP, rendered and tracked",
        rate,
        "mails/s",
        limit=f"bare aiosmtplib loop {bare:,.0f} mails/s ({rate / bare:.2f} x); with its bytes finished before "
        f"{finished:,.0f} mails/s ({rate / finished:.2f} x)",
        target=f">= {TARGET} x the bare loop",
        met=rate / bare >= TARGET,
    )
