"""POST /v1/tag: every label that applies to a text."""

import time
from dataclasses import asdict
from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from nli_tagger.tagger import above
from server.asking import Asker, facts_of, refuse_unsupported
from server.disconnect import unless_gone
from server.errors import ValidationError
from server.routes.answers import SCORING, headers
from server.schemas.tagging import ClassifyRequest, TaggedLabel, TagRequest, TagResponse
from server.scoring import Scoring


@post("/v1/tag", operation_id="tag", summary="Tag a text", **SCORING)
async def tag(
    data: JSONBody[TagRequest],
    request: Request[Any, Any, Any],
    asker: NamedDependency[Asker],
    scoring: NamedDependency[Scoring],
) -> Response[TagResponse]:
    """Returns every label whose confidence is at least the threshold, each judged by itself, highest first."""
    started = time.perf_counter()
    text = text_of(data, request)
    asked = await asker.ask(data, request, data.priority or "standard", data.threshold)
    answer = await unless_gone(request, scoring.one(text, asked.question))
    found = [TaggedLabel(**asdict(scored)) for scored in above(asked.labels, answer.scores, asked.thresholds)]
    body = TagResponse(found, answer.scores.tokens, milliseconds(started), answer.age is not None)
    return Response(body, headers=await headers([answer], request, scoring.limiter))


def text_of(data: ClassifyRequest, request: Request[Any, Any, Any]) -> str:
    """The text, noted. Raises `ValidationError` without one, or with what is not supported yet."""
    facts = facts_of(request)
    facts.scores = True
    refuse_unsupported(data)
    if data.text is None:
        raise ValidationError("text is missing; send the text to tag.", details={"field": "text"})
    facts.texts = [data.text]
    return data.text


def milliseconds(started: float) -> float:
    """Since a moment of `time.perf_counter`."""
    return round((time.perf_counter() - started) * 1000, 1)
