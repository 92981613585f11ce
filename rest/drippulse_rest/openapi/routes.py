"""The API description and the interactive reference."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files

from litestar import Response
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, get
from litestar.params import FromPath

PUBLIC = {"public": True}
SWAGGER_UI = files("mkdocs_swagger_ui_tag") / "swagger-ui"
RELEASE = version("mkdocs-swagger-ui-tag")  # in the addresses, so that a browser never mixes two releases
ASSETS = {
    "swagger-ui.css": ("stylesheets", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("javascripts", "text/javascript; charset=utf-8"),
}
CACHED = {"cache-control": "public, max-age=86400"}
FRESH = {"cache-control": "no-cache"}
PAGE_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DripPulse API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/api/assets/swagger-ui.css?release={RELEASE}">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/api/assets/swagger-ui-bundle.js?release={RELEASE}"></script>
<script src="/docs/api/assets/start.js"></script>
</body>
</html>
"""
START = """window.ui = SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  validatorUrl: null,
});
"""


@lru_cache(maxsize=1)
def committed_document() -> bytes:
    """`openapi.json` as it is shipped with this package."""
    return files("drippulse_rest").joinpath("openapi.json").read_bytes()


@lru_cache(maxsize=len(ASSETS))
def _asset(name: str) -> bytes:
    folder, _ = ASSETS[name]
    return (SWAGGER_UI / folder / name).read_bytes()


@get(
    ["/api/v1/openapi.json", "/docs/skills/drippulse-openapi-v1.json"],
    opt=PUBLIC,
    include_in_schema=False,
    sync_to_thread=False,
)
def document() -> Response[bytes]:
    """OpenAPI 3.1."""
    return Response(committed_document(), media_type=MediaType.JSON, headers=FRESH)


@get("/docs/api", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def reference() -> Response[str]:
    """Swagger UI over the document, served from here alone."""
    return Response(PAGE, media_type=MediaType.HTML, headers=PAGE_HEADERS)


@get("/docs/api/assets/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def asset(name: FromPath[str]) -> Response[bytes]:
    """Swagger UI's own files."""
    if name == "start.js":
        return Response(START.encode(), media_type="text/javascript; charset=utf-8", headers=FRESH)
    if name not in ASSETS:
        raise NotFoundException
    return Response(_asset(name), media_type=ASSETS[name][1], headers=CACHED)


ROUTES: Sequence[HTTPRouteHandler] = (document, reference, asset)
