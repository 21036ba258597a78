"""Puts the server together; what it does is in the files it names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from nli_tagger import Tagger
from server.auth import KeyRing, require_json, require_key
from server.docs import assets_router, openapi_config
from server.errors import answer
from server.request_log import RequestLog
from server.routes import health, tag
from server.scheduler import Scheduler
from server.settings import ServerSettings


def create_app(settings: ServerSettings, tagger: Tagger | None = None) -> Litestar:
    """The Litestar application. Raises `BundleError` when the model cannot be opened."""
    tagger = tagger or Tagger(settings.model, threads=settings.cores_per_inference)

    @asynccontextmanager
    async def scheduling(app: Litestar) -> AsyncIterator[None]:
        async with Scheduler(settings.concurrent_inferences, settings.max_queue, settings.timeout) as scheduler:
            app.state.scheduler = scheduler
            yield

    return Litestar(
        route_handlers=[tag.tag, health.live, health.ready, assets_router()],
        guards=[require_key, require_json],
        dependencies={
            "tagger": Provide(lambda: tagger, sync_to_thread=False),
            "scheduler": Provide(_scheduler, sync_to_thread=False),
        },
        lifespan=[scheduling],
        state=State({"key_ring": KeyRing(settings.api_keys)}),
        exception_handlers={Exception: answer},
        openapi_config=openapi_config(),
        request_max_body_size=settings.max_body_bytes,
        logging_config=None,
    )


def create_asgi(settings: ServerSettings, tagger: Tagger | None = None) -> ASGIApp:
    """The application as it is served: with request ids and the request log around it."""
    return RequestLog(create_app(settings, tagger))


def _scheduler(state: State) -> Scheduler:
    scheduler: Scheduler = state.scheduler
    return scheduler
