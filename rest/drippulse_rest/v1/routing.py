"""Declaring a route of the dialect."""

from collections.abc import Callable
from functools import partial
from typing import Any

from litestar.handlers import HTTPRouteHandler

from drippulse_rest.kit.routes import route
from drippulse_rest.v1.problems import ErrorEnvelope

TAG = "v1"
v1_route: Callable[..., Callable[[Callable[..., Any]], HTTPRouteHandler]] = partial(
    route, tag=TAG, problem=ErrorEnvelope
)
