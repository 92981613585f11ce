"""OpenAPI 3.1 from the routes: Litestar knows paths and parameters, pydantic the models, `route()` the rest."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import orjson
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme, Server, Tag
from litestar.routes import HTTPRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from drippulse.organizations.policy import GRANTS, Permission
from drippulse.workflows.schemas import StepIn
from drippulse_rest.kit.problems import Problem
from drippulse_rest.kit.routes import Body, Documented

Json: TypeAlias = dict[str, Any]

TITLE: Final = "DripPulse API"
VERSION: Final = "1.0.0"
DESCRIPTION: Final = """The REST API of DripPulse: workflows, enrollments and what happens to them.

Send an organization API key or a session token as `Authorization: Bearer ...`. Bodies are JSON, taken top level or
wrapped in the resource's singular. Errors are `{error, message, errors?}` with a stable `error` code. Every answer has
an `X-Request-Id`; send one of your own to find it in the logs."""
TAGS: Final = (
    ("Sessions", "Logging in and checking tokens."),
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
REF: Final = "#/components/schemas/"


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
    for path, item in cast("Json", document["paths"]).items():
        for method, operation in cast("Json", item).items():
            handler = handlers.get((path, method.upper()))
            if handler is not None:
                _complete(operation, handler)
            _tidy(operation)
    document["components"]["schemas"] = {
        **document["components"].get("schemas", {}),
        **_schemas(list(handlers.values())),
    }
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


def _complete(operation: Json, handler: HTTPRouteHandler) -> None:
    documented: Documented = handler.opt["documented"]
    permission: Permission | None = handler.opt.get("permission")
    operation["security"] = [{"bearer": []}] if permission else []
    if permission:
        roles = ", ".join(role.value for role, granted in GRANTS.items() if permission in granted)
        operation["description"] = f"{operation.get('description', '')}\n\nRoles: {roles}.".strip()
    if documented.body:
        operation["requestBody"] = _request_body(documented.body)
    operation["responses"] = {str(status): answer for status, answer in sorted(_responses(handler, documented))}


def _request_body(body: Body) -> Json:
    schema: Json = {"$ref": REF + body.model.__name__}
    if body.wrapper:
        wrapped = {
            "type": "object",
            "title": f"{body.model.__name__}Wrapped",
            "required": [body.wrapper],
            "properties": {body.wrapper: schema},
        }
        schema = {"anyOf": [schema, wrapped]}
    content: Json = {"schema": schema}
    if body.example:
        content["example"] = body.example
    return {"required": body.required, "content": {"application/json": content}}


def _responses(handler: HTTPRouteHandler, documented: Documented) -> Iterator[tuple[int, Json]]:
    success: Json = {"description": documented.answer_text}
    if documented.answer:
        success["content"] = _json_content(documented.answer)
    elif handler.status_code != 204:
        success["content"] = {"text/plain": {"schema": {"type": "string"}}}
    if documented.paginated:
        success["headers"] = {
            "Link": {
                "description": "RFC 8288: first, prev, next and last of a paginated list.",
                "schema": {"type": "string"},
            }
        }
    yield handler.status_code, success
    for status, model in documented.other_statuses.items():
        yield status, {"description": REASONS[status], "content": _json_content(model)}
    for status, codes in _errors(handler, documented).items():
        if status not in documented.other_statuses:
            yield status, _problem(status, codes, documented.problem or Problem)


def _errors(handler: HTTPRouteHandler, documented: Documented) -> dict[int, tuple[str, ...]]:
    kinds: list[Mapping[int, tuple[str, ...]]] = [ALWAYS, {400: ("bad_request",)}]
    if handler.opt.get("permission"):
        kinds.append({401: ("unauthorized", "invalid_token"), 403: ("forbidden",)})
    if documented.body:
        kinds.append(WITH_BODY)
    if documented.paginated:
        kinds.append({422: ("validation_failed",)})
    merged: dict[int, tuple[str, ...]] = {}
    for kind in (*kinds, documented.errors):
        for status, codes in kind.items():
            merged[status] = tuple(dict.fromkeys((*merged.get(status, ()), *codes)))
    return merged


def _problem(status: int, codes: tuple[str, ...], model: type[BaseModel] = Problem) -> Json:
    listed = ", ".join(f"`{code}`" for code in codes)
    answer: Json = {"description": f"{REASONS[status]} Codes: {listed}.", "content": _json_content(model)}
    if status == 401:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status in {429, 503}:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "string"}}}
    return answer


def _json_content(model: type[BaseModel]) -> Json:
    return {"application/json": {"schema": {"$ref": REF + model.__name__}}}


def _tidy(operation: Json) -> None:
    """What Litestar says too much: null for parameters that are left out, and an error shape that is not ours."""
    for parameter in operation.get("parameters", []):
        options = [option for option in parameter["schema"].get("oneOf", []) if option != {"type": "null"}]
        if len(options) == 1:
            parameter["schema"] = options[0]
        parameter["schema"].pop("description", None)
    for status, answer in operation["responses"].items():
        if "detail" in str(answer.get("content", {}).get("application/json", {})):
            operation["responses"][status] = _problem(int(status), ("bad_request",))


def _schemas(handlers: Sequence[HTTPRouteHandler]) -> Json:
    models: dict[type[BaseModel], None] = {Problem: None, StepIn: None}
    for handler in handlers:
        documented: Documented = handler.opt["documented"]
        body = [documented.body.model] if documented.body else []
        answer = [documented.answer] if documented.answer else []
        problem = [documented.problem] if documented.problem else []
        models.update(dict.fromkeys((*body, *answer, *problem, *documented.other_statuses.values())))
    _, schema = models_json_schema(
        [(model, "serialization" if model.__name__.endswith(("Out", "List")) else "validation") for model in models],
        ref_template=REF + "{model}",
    )
    schemas: Json = dict(schema.get("$defs", {}))
    for model in schemas.values():
        _drop_impossible_defaults(model)
    return schemas


def _drop_impossible_defaults(schema: Json) -> None:
    """`None` in a model says that a field was left out; a default of null where null is refused would be a lie."""
    for field in cast("Json", schema.get("properties", {})).values():
        if field.get("default", ...) is None and not _takes_null(field):
            del field["default"]


def _takes_null(schema: Json) -> bool:
    options = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    if options:
        return any(_takes_null(option) for option in options)
    types = schema.get("type", "null" if "$ref" not in schema else "object")
    return "null" in ([types] if isinstance(types, str) else types)
