"""`webhook_callback`: an HTTP call with the contact's data, signed by the Standard Webhooks specification."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, cast

import httpx
from pydantic import Field, field_validator

from drippulse.kit.addresses import one_line
from drippulse.kit.http import EgressRefusedError, ResponseTooLargeError, static_problem
from drippulse.kit.standard_webhooks import MAX_SECRET_BYTES, MIN_SECRET_BYTES, secret_key, signed_headers
from drippulse.settings import get_settings
from drippulse.workflows.steps.base import (
    SECRET,
    Category,
    EffectStep,
    Guarantee,
    Outcome,
    OutcomeKind,
    Prepared,
    Problem,
    Rehearsal,
    SecretPath,
    Services,
    StepConfig,
    StepContext,
)
from drippulse.workflows.steps.texts import render_json, template_problems
from drippulse.workflows.steps.url_secrets import MASK, SECRET_NAME, hidden, restored, without_secrets
from drippulse.workflows.steps.webhook_response import ResponseBranch, judge
from drippulse.workflows.templates import is_template

UrlCheck: TypeAlias = Callable[[str], str | None]
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
OWN_HEADER_PREFIX = "webhook-"
CREDENTIALS = re.compile(r"\s*(basic|bearer|digest|negotiate|token)\s+\S", re.IGNORECASE)
"""Header values that are a credential, whatever the header is called."""
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")  # RFC 9110, section 5.6.2


class WebhookCallbackConfig(StepConfig):
    url: str = Field(min_length=1, max_length=4000, description="Where to send; https. A Liquid template.")
    method: Method = Field(default="POST", description="HTTP method.")
    headers: dict[str, str] = Field(
        default_factory=dict[str, str],
        max_length=50,
        description="More headers; the values are Liquid templates. Those of Authorization, Cookie and every name that "
        "speaks of a key, a token, a secret or a password are stored encrypted and shown as ********; so are such "
        "parameters in the query of the URL.",
    )
    body: Any = Field(
        default=None,
        description="A Liquid text, or a JSON value with templates in its texts. Default: JSON with enrollment_id, "
        "workflow_id, step and data (all of the contact's data); a GET has none.",
    )
    secret: str | None = Field(
        default=None,
        json_schema_extra=SECRET,
        description="whsec_ and 24 to 64 bytes as base64. With it the call carries a webhook-signature.",
    )
    timeout_seconds: float = Field(default=15, ge=1, le=30, description="Seconds until the call counts as failed.")
    response_branches: list[ResponseBranch] = Field(
        default_factory=list[ResponseBranch],
        max_length=50,
        description="The first that fits the response decides where to go on, before any retry.",
    )

    @field_validator("method", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.strip().upper() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One rendered call; the signature is added at each attempt."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout: float
    key: bytes | None = field(repr=False)
    branches: tuple[ResponseBranch, ...] = ()


def _check_url(url: str) -> str | None:
    settings = get_settings()
    return static_problem(url, settings.egress_allow, development=settings.development)


class WebhookCallbackStep(EffectStep[WebhookCallbackConfig]):
    """Args: url_problem says what is wrong with a URL as far as its text tells."""

    type: ClassVar[str] = "webhook_callback"
    label: ClassVar[str] = "Outbound webhook"
    category: ClassVar[Category] = Category.ACTION
    description: ClassVar[str] = (
        "Calls an HTTPS URL. 2xx is success; 408, 425, 429, 5xx and lost connections are tried again with the same "
        "webhook-id; any other answer fails the step. Redirects are not followed."
    )
    guarantee: ClassVar[Guarantee] = Guarantee.AT_LEAST_ONCE
    test_behaviour: ClassVar[str] = "Calls nothing; logs method and URL."
    outputs: ClassVar[dict[str, str]] = {
        "webhook_response": "{status_code, body}; the body is parsed when it is JSON, and cut at 64 KB otherwise."
    }
    config_model = WebhookCallbackConfig

    def __init__(self, url_problem: UrlCheck = _check_url) -> None:
        self._url_problem = url_problem

    def problems(self, config: WebhookCallbackConfig) -> Iterator[Problem]:
        yield from template_problems("url", config.url)
        yield from template_problems("body", config.body)
        yield from template_problems("headers", config.headers)
        if not is_template(config.url) and (problem := self._url_problem(config.url.strip())):
            yield Problem("url", f"is not acceptable: {problem.rstrip('.')}")
        for name in config.headers:
            if problem := _header_problem(name):
                yield Problem(f"headers.{name}", problem)
        if config.secret is not None and secret_key(config.secret) is None:
            yield Problem(
                "secret", f"must be whsec_ followed by {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} random bytes as base64"
            )

    def secret_paths(self, config: Mapping[str, Any]) -> Iterator[SecretPath]:
        yield from super().secret_paths(config)
        url: object = config.get("url")
        if isinstance(url, dict) or (isinstance(url, str) and (MASK in url or hidden(url) != url)):
            yield ("url",)
        headers: object = config.get("headers")
        if isinstance(headers, dict):
            named = cast("dict[str, Any]", headers).items()
            yield from (("headers", name) for name, value in named if _is_credential(name, value))

    def shown_secret(self, path: SecretPath, value: str) -> str:
        return hidden(value) if path == ("url",) else super().shown_secret(path, value)

    def restored_secret(self, path: SecretPath, sent: str, stored: str) -> str | None:
        return restored(sent, stored) if path == ("url",) else super().restored_secret(path, sent, stored)

    def targets(self, config: WebhookCallbackConfig) -> Iterator[tuple[str, str]]:
        for index, branch in enumerate(config.response_branches):
            yield f"response_branches.{index}.goto", branch.goto

    def prepare(self, config: WebhookCallbackConfig, ctx: StepContext) -> Prepared:
        url = "".join(ctx.render(config.url).split())
        content_type, body = _body(config, ctx)
        headers = {name.lower(): one_line(ctx.render(value)) for name, value in config.headers.items()}
        if content_type is not None:
            headers.setdefault("content-type", content_type)
        request = WebhookRequest(
            method=config.method,
            url=url,
            headers=headers,
            body=body,
            timeout=config.timeout_seconds,
            key=secret_key(config.secret) if config.secret else None,
            branches=tuple(config.response_branches),
        )
        summary = {"method": config.method, "url": hidden(url), "signed": request.key is not None}
        return Prepared(request=request, summary=summary, guarantee=self.guarantee, on_unknown="resend")

    async def perform(self, prepared: Prepared, ctx: StepContext, services: Services) -> Outcome:
        request: WebhookRequest = prepared.request
        signature = signed_headers(request.key, ctx.idempotency_key, int(ctx.now.timestamp()), request.body or b"")
        try:
            response = await services.http.request(
                request.method,
                request.url,
                headers={**request.headers, **signature},
                content=request.body,
                timeout=request.timeout,
            )
        except EgressRefusedError as error:
            return Outcome(
                OutcomeKind.FAILED, code=error.error_code, message=without_secrets(error.message, request.url)
            )
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            message = without_secrets(f"The call could not be made: {error}", request.url)
            return Outcome(OutcomeKind.FAILED, code="invalid_request", message=message)
        except ResponseTooLargeError as error:
            return Outcome(OutcomeKind.FAILED, code="response_too_large", message=f"It was received, but {error}.")
        except httpx.HTTPError as error:
            message = without_secrets(_transport_message(error), request.url)
            return Outcome(OutcomeKind.RETRY, code=_transport_code(error), message=message)
        return judge(response, request.branches, ctx)

    def rehearse(self, prepared: Prepared, ctx: StepContext) -> Rehearsal:
        request: WebhookRequest = prepared.request
        return Rehearsal(logs=(f"[test] Would call {request.method} {hidden(request.url)}",))


def _body(config: WebhookCallbackConfig, ctx: StepContext) -> tuple[str | None, bytes | None]:
    """(content type, bytes) of the request."""
    if config.body is None:
        if config.method == "GET":
            return None, None
        value: Any = {
            "enrollment_id": ctx.enrollment_id,
            "workflow_id": ctx.workflow_id,
            "step": ctx.step_id,
            "data": dict(ctx.bag),
        }
    elif isinstance(config.body, str):
        text = ctx.render(config.body)
        is_json = text.lstrip().startswith(("{", "["))
        return "application/json" if is_json else "text/plain; charset=utf-8", text.encode()
    else:
        value = render_json(config.body, ctx)
    return "application/json", json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _is_credential(name: str, value: Any) -> bool:
    """By its name or its value; also one that is stored encrypted, or stands as a mask."""
    if SECRET_NAME.search(name) or isinstance(value, dict):
        return True
    return isinstance(value, str) and (value == MASK or CREDENTIALS.match(value) is not None)


def _header_problem(name: str) -> str | None:
    lower = name.lower()
    if not lower or not _TOKEN.issuperset(lower):
        return "is not a header name"
    if lower in OWN_HEADERS or lower.startswith(OWN_HEADER_PREFIX):
        return "is set by the call itself"
    return None


def _transport_code(error: httpx.HTTPError) -> str:
    return "timeout" if isinstance(error, httpx.TimeoutException) else "connection_failed"


def _transport_message(error: httpx.HTTPError) -> str:
    return f"The call got no answer: {type(error).__name__}: {str(error)[:300]}"
