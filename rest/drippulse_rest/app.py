"""The REST edge: its routes as one router, its exception handlers, its API description."""

from collections.abc import Sequence
from typing import Any

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from drippulse.kit.db import Database
from drippulse.kit.services import AppServices
from drippulse.messaging.service import Tracking
from drippulse.settings import Settings
from drippulse_rest.approvals.routes import ROUTES as APPROVALS
from drippulse_rest.control.enrollments import ROUTES as CONTROL
from drippulse_rest.control.explain import ROUTES as EXPLAIN
from drippulse_rest.control.holds import ROUTES as HOLDS
from drippulse_rest.control.unknown_sends import ROUTES as UNKNOWN_SENDS
from drippulse_rest.crm.routes import ROUTES as CRM
from drippulse_rest.data_sources.routes import ROUTES as DATA_SOURCES
from drippulse_rest.enrollments.routes import ROUTES as ENROLLMENTS
from drippulse_rest.events.routes import ROUTES as EVENTS
from drippulse_rest.graphql_clients.routes import ROUTES as GRAPHQL_CLIENTS
from drippulse_rest.integrations.routes import ROUTES as CONNECTIONS
from drippulse_rest.kit.authorization import authorization
from drippulse_rest.kit.request import ApiRequest, request_class
from drippulse_rest.kit.routes import BODY_LIMIT, refuse_undeclared
from drippulse_rest.lead_forms.public import PAGES as PUBLIC_FORMS
from drippulse_rest.lead_forms.routes import ROUTES as LEAD_FORMS
from drippulse_rest.openapi.document import build_document, render
from drippulse_rest.openapi.routes import ROUTES as DOCUMENTATION
from drippulse_rest.organizations.invitation_page import PAGES as INVITATION
from drippulse_rest.organizations.origin import origin
from drippulse_rest.organizations.routes import ROUTES as ORGANIZATIONS
from drippulse_rest.projects.routes import ROUTES as PROJECTS
from drippulse_rest.sending.bounces import ROUTES as BOUNCES
from drippulse_rest.sending.routes import ROUTES as SENDING
from drippulse_rest.stalls.routes import ROUTES as STALLS
from drippulse_rest.system.routes import API_ROUTES, ROOT_ROUTES
from drippulse_rest.tracking.routes import create_tracking_router
from drippulse_rest.v1.problems import BASE as V1_BASE
from drippulse_rest.v1.routes import ROUTES as V1
from drippulse_rest.workflows.publishing import ROUTES as PUBLISHING
from drippulse_rest.workflows.routes import ROUTES as WORKFLOWS
from drippulse_rest.workflows.simulation import ROUTES as SIMULATION

BASE = "/api/v1"
API: Sequence[HTTPRouteHandler] = (
    *ORGANIZATIONS,
    *PROJECTS,
    *WORKFLOWS,
    *PUBLISHING,
    *SIMULATION,
    *ENROLLMENTS,
    *EVENTS,
    *CONTROL,
    *HOLDS,
    *EXPLAIN,
    *UNKNOWN_SENDS,
    *CONNECTIONS,
    *GRAPHQL_CLIENTS,
    *CRM,
    *LEAD_FORMS,
    *DATA_SOURCES,
    *APPROVALS,
    *STALLS,
    *SENDING,
    *BOUNCES,
    *API_ROUTES,
)


def create_rest_router(services: AppServices) -> Router:
    """Every REST route. The application registers `EXCEPTION_HANDLERS` and wraps itself in `Edge`.

    Raises:
        ImproperlyConfiguredException: a route declares neither a permission nor that it is public.
    """
    tracking = create_tracking_router(Tracking(services.database, services.settings, services.waker))
    routes = _routes(tracking, request_class(services))
    return Router(
        "/",
        route_handlers=[routes],
        guards=[origin(services), authorization(services.authenticator, services.rate_limiter)],
    )


def _routes(tracking: Sequence[Router], requests: type[ApiRequest]) -> Router:
    router = Router(
        "/",
        route_handlers=[
            Router(BASE, route_handlers=list(API)),
            Router(V1_BASE, route_handlers=list(V1)),
            *ROOT_ROUTES,
            *DOCUMENTATION,
            *INVITATION,
            *PUBLIC_FORMS,
            *tracking,
        ],
        request_class=requests,
        request_max_body_size=BODY_LIMIT,
    )
    refuse_undeclared(handler for route in router.routes for handler in getattr(route, "route_handlers", ()))
    return router


def openapi_document() -> dict[str, Any]:
    """The API description, OpenAPI 3.1, generated from the routes."""
    settings = Settings.model_construct()
    undone = Tracking(Database(settings), settings)  # never opened: the description needs the routes, not what they do
    return build_document([_routes(create_tracking_router(undone), ApiRequest)])


def openapi_json() -> str:
    """The text that is committed as `openapi.json` beside this module."""
    return render(openapi_document())
