"""The page at `/`: what this server is, and a form to try it. Its files are served from here, not from a CDN."""

from pathlib import Path
from typing import Any

from litestar import MediaType, Response, Router, get
from litestar.static_files import create_static_files_router

from server.auth import PUBLIC

ASSETS = "/playground"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_FOLDER = Path(__file__).parent / "static" / "playground"
_PAGE = (_FOLDER / "index.html").read_text(encoding="utf-8")


@get("/", media_type=MediaType.HTML, opt=PUBLIC, include_in_schema=False, response_headers=HEADERS)
async def page() -> str:
    """The playground."""
    return _PAGE


def assets_router() -> Router:
    """The files of the playground, under the same rules as the page."""
    return create_static_files_router(
        ASSETS, [_FOLDER], name="playground", opt=PUBLIC, include_in_schema=False, after_request=_guarded
    )


def _guarded(response: Response[Any]) -> Response[Any]:
    response.headers.update(HEADERS)
    return response
