"""The instance that contacts go to: where it is, and the two calls that an import needs."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import httpx
import orjson

from drippulse_server.env_files import CREDENTIALS_FILE, read_env_file
from drippulse_server.failures import CommandFailure, ExitCode

BASE_URL = "DRIPPULSE_BASE_URL"
API_KEY = "DRIPPULSE_API_KEY"
TIMEOUT = 120.0
CONNECT_ATTEMPTS = 5
MAX_RETRY_AFTER = 60.0
TOO_MANY_REQUESTS = 429


class Instance:
    """A client of one instance.

    Args:
        transport: how requests travel; the network unless given.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=TIMEOUT, transport=transport, trust_env=False
        )
        self._base_url = base_url
        self._sleep = sleep

    def close(self) -> None:
        self._client.close()

    def workflow(self, workflow_id: int) -> dict[str, Any]:
        """Raises CommandFailure."""
        return self._call("GET", f"/api/v1/workflows/{workflow_id}")

    def enroll(self, workflow_id: int, contacts: Sequence[dict[str, str]], timezone: str | None) -> dict[str, Any]:
        """The answer of REST's bulk enrollment. Raises CommandFailure."""
        body: dict[str, Any] = {"contacts": contacts}
        if timezone is not None:
            body["timezone"] = timezone
        return self._call("POST", f"/api/v1/workflows/{workflow_id}/enrollments/bulk", orjson.dumps(body))

    def _call(self, method: str, path: str, content: bytes | None = None) -> dict[str, Any]:
        return _body(self.response(method, path, content))

    def response(self, method: str, path: str, content: bytes | None = None) -> httpx.Response:
        """Whatever is answered. Tries again only when the request certainly was not carried out.

        Raises:
            CommandFailure: nobody answers, or only that it is too much.
        """
        for attempt in range(1, CONNECT_ATTEMPTS + 1):
            last = attempt == CONNECT_ATTEMPTS
            try:
                response = self._client.request(method, path, content=content)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if last:
                    raise CommandFailure(
                        f"Nothing answers at {self._base_url} ({error}). Start `drippulse up`, or set {BASE_URL}."
                    ) from None
                self._sleep(0.2 * 2**attempt)
                continue
            except httpx.HTTPError as error:
                raise CommandFailure(
                    f"The connection to {self._base_url} broke during a request ({error or type(error).__name__}); "
                    "look at the workflow before you import the rest: this batch may have been enrolled."
                ) from None
            if response.status_code == TOO_MANY_REQUESTS and not last:
                self._sleep(_retry_after(response))
                continue
            return response
        raise CommandFailure(f"{self._base_url} takes no more requests right now; try again later.")


def find_instance(data_dir: Path) -> tuple[str, str]:
    """Base URL and API key: from the environment, else from the data folder of `drippulse up`.

    Raises:
        CommandFailure: neither has them.
    """
    try:
        stored = read_env_file(data_dir / CREDENTIALS_FILE)
    except (OSError, ValueError) as error:
        raise CommandFailure(f"{data_dir / CREDENTIALS_FILE} cannot be read: {error}.", ExitCode.DATA_FOLDER) from error
    base_url, api_key = (os.environ.get(name) or stored.get(name, "") for name in (BASE_URL, API_KEY))
    if not base_url or not api_key:
        raise CommandFailure(
            f"There is no {CREDENTIALS_FILE} in {data_dir}. Name the folder of `drippulse up` with --data-dir, or set "
            f"{BASE_URL} and {API_KEY}."
        )
    return base_url, api_key


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return min(float(text), MAX_RETRY_AFTER) if text.isdigit() else 1.0


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    if response.is_success and fields:
        return fields
    raise CommandFailure(str(fields.get("message") or f"The instance answered {response.status_code}."))
