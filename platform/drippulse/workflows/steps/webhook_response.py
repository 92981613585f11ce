"""What an outbound webhook's answer means for the step."""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drippulse.workflows.conditions import VALUELESS, Condition, Operator, evaluate
from drippulse.workflows.steps.base import Outcome, OutcomeKind, StepContext

OUTPUT_KEY = "webhook_response"
GONE = 410
MAX_BODY_BYTES = 65_536
MAX_RETRY_AFTER = 86_400.0
RETRIED_STATUSES = frozenset({408, 425, 429})
_STATUS = re.compile(r"[1-5](?:xx|\d\d)")


class ResponseBranch(BaseModel):
    """Fits by `status`, or by one condition on the response (`status_code`, `body.…`) or the contact's data."""

    model_config = ConfigDict(extra="forbid")

    status: str | None = Field(default=None, description="A status such as 404, or a class such as 2xx.")
    field: str | None = Field(default=None, description="Path into the response, such as body.result.")
    operator: Operator | None = Field(default=None, description="How the field is compared with the value.")
    value: Any = Field(default=None, description="What to compare with.")
    goto: str = Field(min_length=1, description="Id of the step to go on with.")

    @field_validator("status", mode="before")
    @classmethod
    def _status_text(cls, value: Any) -> Any:
        text = str(value).strip().lower() if isinstance(value, str | int) else value
        if isinstance(text, str) and _STATUS.fullmatch(text) is None:
            raise ValueError("write a status such as 404, or a class such as 2xx")
        return text

    @model_validator(mode="after")
    def _one_test(self) -> "ResponseBranch":
        if (self.status is None) == (self.field is None):
            raise ValueError("give either `status`, or `field` with `operator` and `value`")
        if self.field is not None:
            if self.operator is None:
                raise ValueError("`field` needs an `operator`")
            self.condition()
        return self

    def condition(self) -> Condition | None:
        """The test of `field`; None when the branch goes by status."""
        if self.field is None or self.operator is None:
            return None
        given: dict[str, Any] = {"field": self.field, "operator": self.operator}
        return Condition.model_validate(given if self.operator in VALUELESS else {**given, "value": self.value})

    def fits(self, response: dict[str, Any], ctx: StepContext) -> bool:
        if self.status is not None:
            code = str(response["status_code"])
            return self.status in (code, f"{code[0]}xx")
        condition = self.condition()
        bag = {**ctx.bag, OUTPUT_KEY: response, **response}
        return condition is not None and evaluate("all", [condition], bag, ctx.now).passed


def judge(response: httpx.Response, branches: Iterable[ResponseBranch], ctx: StepContext) -> Outcome:
    """The outcome: the first fitting branch, else by status as `WebhookCallbackStep.description` says."""
    seen = {"status_code": response.status_code, "body": read_body(response)}
    output = {OUTPUT_KEY: seen}
    log = (f"Answered {response.status_code}",)
    for branch in branches:
        if branch.fits(seen, ctx):
            return Outcome(OutcomeKind.DONE, output=output, logs=log, to=branch.goto)
    if response.is_success:
        return Outcome(OutcomeKind.DONE, output=output, logs=log)
    message = f"The receiver answered {response.status_code}{_hint(response)}."
    if response.status_code in RETRIED_STATUSES or response.is_server_error:
        wait = retry_after(response.headers.get("retry-after"), ctx.now)
        return Outcome(
            OutcomeKind.RETRY, logs=log, code=f"http_{response.status_code}", message=message, retry_after=wait
        )
    return Outcome(OutcomeKind.FAILED, logs=log, code=f"http_{response.status_code}", message=message)


def read_body(response: httpx.Response) -> Any:
    """The parsed JSON of at most 64 KB, otherwise the first 64 KB as text."""
    if len(response.content) <= MAX_BODY_BYTES and "json" in response.headers.get("content-type", "").lower():
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(response.content)
    return response.content[:MAX_BODY_BYTES].decode(errors="replace").replace("\x00", "�")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (RFC 9110, section 10.2.3), at most a day; None when it says nothing."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 12:
        return min(float(text), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _hint(response: httpx.Response) -> str:
    if response.is_redirect:
        return ", a redirect, which is not followed; use the final address"
    return " (gone): it wants no more calls" if response.status_code == GONE else ""
