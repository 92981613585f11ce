"""Every route below `/v1`."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from drippulse_rest.v1.contacts import ROUTES as CONTACTS
from drippulse_rest.v1.enrollments import ROUTES as ENROLLMENTS
from drippulse_rest.v1.templates import ROUTES as TEMPLATES
from drippulse_rest.v1.workflows import ROUTES as WORKFLOWS

ROUTES: Sequence[HTTPRouteHandler] = (*WORKFLOWS, *CONTACTS, *TEMPLATES, *ENROLLMENTS)
