"""The API page: OpenAPI 3.1 and an interactive page whose files are served from here, not from a CDN."""

from pathlib import Path

from litestar import Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router

from nli_tagger import __version__
from server.auth import PUBLIC

PATH = "/docs"
ASSETS = "/docs/assets"
_SWAGGER_UI = Path(__file__).parent / "static" / "swagger-ui"


def openapi_config() -> OpenAPIConfig:
    """/docs is the page, /docs/openapi.json the document."""
    page = SwaggerRenderPlugin(
        path="/",
        js_url=f"{ASSETS}/swagger-ui-bundle.js",
        css_url=f"{ASSETS}/swagger-ui.css",
        standalone_preset_js_url=f"{ASSETS}/swagger-ui-standalone-preset.js",
        favicon='<link rel="icon" href="data:,">',
    )
    return OpenAPIConfig(
        title="NLI Tagger",
        version=__version__,
        description="Zero-shot text tagging on your own machine. The wire format is Classer's.",
        components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
        security=[{"key": []}],
        openapi_router=Router(PATH, route_handlers=[], opt=PUBLIC, include_in_schema=False),
        render_plugins=[page, JsonRenderPlugin(path="/openapi.json")],
    )


def assets_router() -> Router:
    """The files of Swagger UI."""
    return create_static_files_router(ASSETS, [_SWAGGER_UI], opt=PUBLIC, include_in_schema=False)
