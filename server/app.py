"""Puts the server together; what it does is in the files it names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from nli_tagger import Tagger
from server import docs, playground
from server.auth import require_json, require_key
from server.errors import answer
from server.request_log import RequestLog
from server.routes import batch, classifiers, classify, health, keys, reports, tag
from server.services import Services, open_services
from server.settings import ServerSettings

HANDLERS: list[Any] = [
    tag.tag,
    classify.classify,
    batch.tag_batch,
    batch.classify_batch,
    classifiers.router(),
    keys.router(),
    reports.report_usage,
    reports.report_logs,
    reports.list_models,
    health.live,
    health.ready,
    docs.assets_router(),
    playground.page,
    playground.assets_router(),
]


def create_app(settings: ServerSettings, tagger: Tagger | None = None) -> Litestar:
    """The Litestar application. Raises `BundleError` when the model cannot be opened."""
    tagger = tagger or Tagger(settings.model, threads=settings.cores_per_inference)

    @asynccontextmanager
    async def services(app: Litestar) -> AsyncIterator[None]:
        async with open_services(settings, tagger) as opened:
            app.state.services, app.state.gate, app.state.recorder = opened, opened.gate, opened.recorder
            yield

    return Litestar(
        route_handlers=HANDLERS,
        guards=[require_key, require_json],
        dependencies={"tagger": Provide(lambda: tagger, sync_to_thread=False)} | _services(),
        lifespan=[services],
        exception_handlers={Exception: answer},
        openapi_config=docs.openapi_config(),
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
    )


def create_asgi(settings: ServerSettings, tagger: Tagger | None = None) -> ASGIApp:
    """The application as it is served: with request ids and the request log around it."""
    return RequestLog(create_app(settings, tagger))


def _services() -> dict[str, Provide]:
    """Each service under its own name."""

    def provide(name: str) -> Provide:
        def service(state: State) -> Any:
            return getattr(state.services, name)

        return Provide(service, sync_to_thread=False)

    return {field.name: provide(field.name) for field in fields(Services)}
