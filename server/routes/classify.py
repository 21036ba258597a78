"""POST /v1/classify: the one label that fits best."""

import time
from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from nli_tagger.tagger import choose
from server.asking import Asker
from server.disconnect import unless_gone
from server.routes.answers import SCORING, headers
from server.routes.tag import milliseconds, text_of
from server.schemas.tagging import ClassifyRequest, ClassifyResponse
from server.scoring import Scoring


@post("/v1/classify", operation_id="classify", summary="Choose one label for a text", **SCORING)
async def classify(
    data: JSONBody[ClassifyRequest],
    request: Request[Any, Any, Any],
    asker: NamedDependency[Asker],
    scoring: NamedDependency[Scoring],
) -> Response[ClassifyResponse]:
    """Returns the best label; its confidence is the softmax share among the labels asked.

    A lone label comes back with its own probability: detection.
    """
    started = time.perf_counter()
    text = text_of(data, request)
    asked = await asker.ask(data, request, data.priority or "standard")
    answer = await unless_gone(request, scoring.one(text, asked.question))
    best = choose(asked.labels, answer.scores)
    body = ClassifyResponse(
        best.label, best.confidence, answer.scores.tokens, milliseconds(started), answer.age is not None
    )
    return Response(body, headers=await headers([answer], request, scoring.limiter))
