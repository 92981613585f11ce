"""Waiting until the web process answers that all is well."""

import asyncio
import http.client
from collections.abc import Callable

from drippulse_server.up.options import UpOptions

POLL_SECONDS = 0.1
ANSWER_SECONDS = 10.0


async def wait_until_healthy(options: UpOptions, timeout: float, hopeless: Callable[[], bool]) -> str | None:
    """None as soon as GET /health answers 200; else, after `timeout` seconds or when `hopeless()`, what was amiss."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    last = "it did not answer"
    while loop.time() < deadline:
        status, last = await asyncio.to_thread(_ask, options.connect_host, options.port)
        if status == http.client.OK:
            return None
        if hopeless():
            return last
        await asyncio.sleep(POLL_SECONDS)
    return f"{last}, even after {timeout:g} s"


def _ask(host: str, port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = answer.read(2000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return 0, f"it did not answer ({type(error).__name__})"
    else:
        return answer.status, f"/health answered {answer.status}: {body}"
    finally:
        connection.close()
