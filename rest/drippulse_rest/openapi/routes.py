"""The API description and the interactive reference."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import orjson
from litestar import Response
from litestar.enums import MediaType
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, get
from litestar.params import FromPath

from drippulse_rest.openapi.legacy import as_openapi_30

PUBLIC = {"public": True}
ASSETS = {
    "swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui-standalone-preset.js": "text/javascript; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
CACHED = {"cache-control": "public, max-age=86400"}
PAGE_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DripPulse API</title>
<link rel="icon" type="image/png" href="/docs/api/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/api/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/api/assets/swagger-ui-bundle.js"></script>
<script src="/docs/api/assets/swagger-ui-standalone-preset.js"></script>
<script src="/docs/api/assets/start.js"></script>
</body>
</html>
"""
START = """window.ui = SwaggerUIBundle({
  url: "/docs/api/openapi-3.0.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset.slice(1)],
  layout: "BaseLayout",
});
"""


@lru_cache(maxsize=1)
def committed_document() -> bytes:
    """`openapi.json` as it is shipped with this package."""
    return files("drippulse_rest").joinpath("openapi.json").read_bytes()


@lru_cache(maxsize=1)
def _document_for_swagger_ui() -> bytes:
    return orjson.dumps(as_openapi_30(orjson.loads(committed_document())))


@lru_cache(maxsize=1)
def _asset_folder() -> Path:
    import swagger_ui_bundle  # pyright: ignore[reportMissingTypeStubs] - one constant of it is used

    return Path(swagger_ui_bundle.swagger_ui_path)


@lru_cache(maxsize=len(ASSETS))
def _asset(name: str) -> bytes:
    return (_asset_folder() / name).read_bytes()


@get(
    ["/api/v1/openapi.json", "/docs/skills/drippulse-openapi-v1.json"],
    opt=PUBLIC,
    include_in_schema=False,
    sync_to_thread=False,
)
def document() -> Response[bytes]:
    """OpenAPI 3.1."""
    return Response(committed_document(), media_type=MediaType.JSON, headers={"cache-control": "no-cache"})


@get("/docs/api", opt=PUBLIC, include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=False)
def reference() -> Response[str]:
    """Swagger UI over the document, served from here alone."""
    return Response(PAGE, media_type=MediaType.HTML, headers=PAGE_HEADERS)


@get("/docs/api/openapi-3.0.json", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def document_for_swagger_ui() -> Response[bytes]:
    """The same in the dialect that the bundled Swagger UI (4.15) reads."""
    return Response(_document_for_swagger_ui(), media_type=MediaType.JSON, headers={"cache-control": "no-cache"})


@get("/docs/api/assets/{name:str}", opt=PUBLIC, include_in_schema=False, sync_to_thread=False)
def asset(name: FromPath[str]) -> Response[bytes]:
    """Swagger UI's own files."""
    if name == "start.js":
        return Response(START.encode(), media_type="text/javascript; charset=utf-8", headers=CACHED)
    if name not in ASSETS:
        raise NotFoundException
    return Response(_asset(name), media_type=ASSETS[name], headers=CACHED)


ROUTES: Sequence[HTTPRouteHandler] = (document, reference, document_for_swagger_ui, asset)
