"""GET /health/live and /health/ready, for load balancers and orchestrators."""

import asyncio
import time

from litestar import Response, get
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec

from nli_tagger import LabelSet, Tagger
from server.auth import PUBLIC
from server.schemas.common import Health

_PROBE = LabelSet.of(["ready"])
_TRUSTED_SECONDS = 2.0


@get("/health/live", operation_id="live", tags=["Health"], summary="The process answers", opt=PUBLIC, security=[{}])
async def live() -> Health:
    """200 as long as the server can answer at all."""
    return Health("ok")


@get(
    "/health/ready",
    operation_id="ready",
    tags=["Health"],
    summary="The model answers",
    opt=PUBLIC,
    security=[{}],
    responses={503: ResponseSpec(Health, description="The model failed to score a text.", generate_examples=False)},
)
async def ready(state: State, tagger: NamedDependency[Tagger]) -> Response[Health]:
    """Scores a text with the model; a good answer is trusted for two seconds, a bad one never."""
    if time.monotonic() - state.get("ready_at", float("-inf")) > _TRUSTED_SECONDS:
        try:
            await sync_to_thread(tagger.score, "Is the model ready?", _PROBE)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a panic of native code is no Exception
            return Response(Health(f"the model fails: {type(error).__name__}"), status_code=503)
        state.ready_at = time.monotonic()
    return Response(Health("ok", tagger.bundle.manifest.name))
