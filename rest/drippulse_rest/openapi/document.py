"""OpenAPI 3.1 from the routes: Litestar knows paths and parameters, pydantic the models, `route()` the rest."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import orjson
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute

from drippulse.organizations.policy import GRANTS, Permission
from drippulse_rest.kit.problems import Problem
from drippulse_rest.kit.routes import Body, Documented
from drippulse_rest.openapi.headers import HEADERS, LIST_HEADERS, RATE_LIMIT_HEADERS, WRITE_HEADERS, references
from drippulse_rest.openapi.parameters import IDEMPOTENCY_KEY, list_parameters
from drippulse_rest.openapi.schemas import Schemas

Json: TypeAlias = dict[str, Any]

TITLE: Final = "DripPulse API"
VERSION: Final = "1.0.0"
DESCRIPTION: Final = """The REST API of DripPulse: workflows, enrollments and what happens to them.

Send an organization API key or a session token as `Authorization: Bearer ...`. Bodies are JSON, taken top level or
wrapped in the resource's singular. Errors are `{error, message, errors?}` with a stable `error` code. Every answer has
an `X-Request-Id`; send one of your own to find it in the logs."""
TAGS: Final = (
    ("Sessions", "Logging in and checking tokens."),
    ("Account", "The organization, and who is asking."),
    ("Team members", "Invitations, roles and their end."),
    ("API keys", "Making, revoking and counting them."),
    ("Audit log", "Who did what, from where and when."),
    ("Projects", "What workflows are grouped by."),
    ("Workflows", "Definitions: steps, versions, dry runs."),
    ("Enrollments", "Live runs, one for each contact."),
    ("Events", "What happened: the log, and what other systems tell."),
    ("Sending", "Caps, quiet hours, the breaker, bounces and the suppression list."),
    ("Approvals", "What waits for somebody's decision."),
    ("Watchdog", "Runs that stand still although they should go on."),
    ("Integration connections", "Credentials for other systems."),
    ("Tracking", "Public links in mails; the signed token in the link is the credential."),
    ("v1", "The OutreachAgent dialect: workflows as nodes, contacts, templates, enrollments."),
    ("System", "Health and metrics."),
)
REASONS: Final = {
    200: "It was there already; nothing changed.",
    400: "Malformed JSON or a missing parameter.",
    401: "Missing or invalid bearer token.",
    403: "The credential's role may not do this.",
    404: "No such resource in this organization.",
    409: "It exists already, or its state does not allow this.",
    410: "It was valid for a while, and is not any more.",
    413: "The body is larger than this route takes.",
    415: "The body is not JSON by its own headers.",
    422: "Understood, and not acceptable.",
    429: "Too many calls; Retry-After has the seconds to wait.",
    500: "Something went wrong on our side; `request_id` names the log entry.",
    503: "Busy or not reachable right now; see Retry-After.",
}
ALWAYS: Final = {500: ("internal_error",), 503: ("service_unavailable", "try_again")}
WITH_BODY: Final = {
    400: ("malformed_json", "bad_request", "missing_parameter"),
    413: ("payload_too_large",),
    415: ("unsupported_media_type",),
    422: ("validation_failed",),
}
PAGE: Final[Json] = {"text/html": {"schema": {"type": "string"}}}
KEYED: Final = {
    400: ("invalid_idempotency_key",),
    409: ("idempotency_in_flight",),
    422: ("idempotency_mismatch",),
}


def build_document(routers: Sequence[Router]) -> Json:
    """The document of these routers' routes."""
    app = Litestar(
        list(routers),
        openapi_config=OpenAPIConfig(
            title=TITLE,
            version=VERSION,
            description=DESCRIPTION,
            use_handler_docstrings=True,
            servers=[Server(url="/")],
            tags=[Tag(name=name, description=text) for name, text in TAGS],
            components=Components(
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", description="API key or JWT")}
            ),
        ),
    )
    document: Json = orjson.loads(orjson.dumps(app.openapi_schema.to_schema()))
    document["openapi"] = "3.1.0"
    handlers = dict(_documented_handlers(app))
    schemas = Schemas(list(handlers.values()))
    for path, item in cast("Json", document["paths"]).items():
        for method, operation in cast("Json", item).items():
            handler = handlers.get((path, method.upper()))
            if handler is not None:
                _complete(operation, handler, schemas)
            _tidy(operation, schemas)
    document["components"]["headers"] = HEADERS
    document["components"]["schemas"] = {**document["components"].get("schemas", {}), **schemas.components}
    return document


def render(document: Mapping[str, Any]) -> str:
    """The committed form: sorted keys, two spaces, a newline at the end."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n"


def _documented_handlers(app: Litestar) -> Iterator[tuple[tuple[str, str], HTTPRouteHandler]]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if isinstance(handler.opt.get("documented"), Documented):
                for method in handler.http_methods:
                    yield (route.path_format, str(method)), handler


def _complete(operation: Json, handler: HTTPRouteHandler, schemas: Schemas) -> None:
    documented: Documented = handler.opt["documented"]
    permission: Permission | None = handler.opt.get("permission")
    operation["security"] = [{"bearer": []}] if permission else []
    if permission:
        roles = ", ".join(role.value for role, granted in GRANTS.items() if permission in granted)
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {roles}.".strip()
    if documented.body:
        operation["requestBody"] = _request_body(documented.body, schemas)
    if documented.listing:
        operation.setdefault("parameters", []).extend(list_parameters(documented.listing))
    if documented.keyed:
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    operation["responses"] = {
        str(status): answer for status, answer in sorted(_responses(handler, documented, schemas))
    }


def _request_body(body: Body, schemas: Schemas) -> Json:
    schema = schemas.reference(body.model)
    if body.wrapper:
        wrapped = {
            "type": "object",
            "title": f"{body.model.__name__}Wrapped",
            "required": [body.wrapper],
            "properties": {body.wrapper: schema},
            **schemas.others(body.model),
        }
        schema = {"anyOf": [schema, wrapped]}
    content: Json = {"schema": schema}
    if body.example:
        content["example"] = body.example
    return {"required": body.required, "content": {"application/json": content}}


def _responses(handler: HTTPRouteHandler, documented: Documented, schemas: Schemas) -> Iterator[tuple[int, Json]]:
    success: Json = {"description": documented.answer_text}
    if documented.answer:
        success["content"] = _json_content(schemas.reference(documented.answer))
        success["content"] |= _texts(documented.texts)
    elif handler.status_code != 204:
        success["content"] = _texts(documented.texts or ("text/plain",))
    headers = _headers(handler, documented)
    yield handler.status_code, success | headers
    for status, model in documented.other_statuses.items():
        other: Json = {"description": REASONS[status], "content": _json_content(schemas.reference(model))}
        yield status, other | headers if status < 300 else other
    for status, codes in _errors(handler, documented).items():
        if status not in documented.other_statuses:
            yield status, _problem(status, codes, schemas.reference(documented.problem or Problem))


def _headers(handler: HTTPRouteHandler, documented: Documented) -> Json:
    names = (
        *(RATE_LIMIT_HEADERS if handler.opt.get("permission") else ()),
        *(LIST_HEADERS if documented.listing else ()),
        *(WRITE_HEADERS if documented.keyed else ()),
    )
    return {"headers": references(names)} if names else {}


def _errors(handler: HTTPRouteHandler, documented: Documented) -> dict[int, tuple[str, ...]]:
    kinds: list[Mapping[int, tuple[str, ...]]] = [ALWAYS, {400: ("bad_request",)}]
    if handler.opt.get("permission"):
        kinds.append({401: ("unauthorized", "invalid_token"), 403: ("forbidden",), 429: ("rate_limited",)})
    if documented.body:
        kinds.append(WITH_BODY)
    if documented.listing:
        kinds.append({422: ("validation_failed",)})
    if documented.keyed:
        kinds.append(KEYED)
    merged: dict[int, tuple[str, ...]] = {}
    for kind in (*kinds, documented.errors):
        for status, codes in kind.items():
            merged[status] = tuple(dict.fromkeys((*merged.get(status, ()), *codes)))
    return merged


def _problem(status: int, codes: tuple[str, ...], schema: Json) -> Json:
    listed = ", ".join(f"`{code}`" for code in codes)
    answer: Json = {"description": f"{REASONS[status]} Codes: {listed}.", "content": _json_content(schema)}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status in {429, 503}:
        answer["headers"] = references((*(RATE_LIMIT_HEADERS if status == 429 else ()), "Retry-After"))
    return answer


def _texts(media_types: Sequence[str]) -> Json:
    """Streams of events have no schema: theirs would be that of one event, which OpenAPI 3.1 cannot say."""
    return {name: {} if name == "text/event-stream" else {"schema": {"type": "string"}} for name in media_types}


def _json_content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _tidy(operation: Json, schemas: Schemas) -> None:
    """What Litestar says too much: null for parameters that are left out, and an error shape that is not ours."""
    for parameter in operation.get("parameters", []):
        options = [option for option in parameter["schema"].get("oneOf", []) if option != {"type": "null"}]
        if len(options) == 1:
            outer = {name: value for name, value in parameter["schema"].items() if name != "oneOf"}
            parameter["schema"] = {**options[0], **outer}
        parameter["schema"].pop("description", None)
    pages = any("text/html" in answer.get("content", {}) for answer in operation["responses"].values())
    for status, answer in operation["responses"].items():
        if "detail" in str(answer.get("content", {}).get("application/json", {})):
            told = _problem(int(status), ("bad_request",), schemas.reference(Problem))
            operation["responses"][status] = {**told, "content": {**told["content"], **PAGE}} if pages else told
