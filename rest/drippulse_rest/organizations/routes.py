"""Every route of an organization's own affairs."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler

from drippulse_rest.organizations.account import ROUTES as ACCOUNT
from drippulse_rest.organizations.audit import ROUTES as AUDIT
from drippulse_rest.organizations.billing import ROUTES as BILLING
from drippulse_rest.organizations.keys import ROUTES as KEYS
from drippulse_rest.organizations.sessions import ROUTES as SESSIONS
from drippulse_rest.organizations.team import ROUTES as TEAM

ROUTES: Sequence[HTTPRouteHandler] = (*SESSIONS, *ACCOUNT, *BILLING, *TEAM, *KEYS, *AUDIT)
