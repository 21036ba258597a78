"""POST /v1/tag/batch and /v1/classify/batch: up to 1,000 texts, answered in order."""

import time
from dataclasses import asdict
from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from nli_tagger import InputError
from nli_tagger.tagger import above, choose
from server.asking import Asked, Asker, facts_of, refuse_unsupported
from server.disconnect import unless_gone
from server.errors import ValidationError
from server.routes.answers import SCORING, headers
from server.routes.tag import milliseconds
from server.schemas.batches import (
    MAX_TEXTS,
    ClassifiedItem,
    ClassifyBatchRequest,
    ClassifyBatchResponse,
    ItemCache,
    TagBatchRequest,
    TagBatchResponse,
    TaggedItem,
)
from server.schemas.tagging import TaggedLabel
from server.scoring import Answer, Scoring


@post("/v1/tag/batch", operation_id="tag_batch", summary="Tag many texts", **SCORING)
async def tag_batch(
    data: JSONBody[TagBatchRequest],
    request: Request[Any, Any, Any],
    asker: NamedDependency[Asker],
    scoring: NamedDependency[Scoring],
) -> Response[TagBatchResponse]:
    """Tags every text. A text that cannot be read has an `error`; the others are answered all the same."""
    started = time.perf_counter()
    texts = _texts(data, request)
    asked = await asker.ask(data, request, "batch", data.threshold)
    answers = await unless_gone(request, scoring.many(texts, asked.question))
    body = TagBatchResponse([_tagged(a, asked) for a in answers], _total(answers), milliseconds(started))
    return Response(body, headers=await headers(_read(answers), request, scoring.limiter))


@post("/v1/classify/batch", operation_id="classify_batch", summary="Choose one label for each of many texts", **SCORING)
async def classify_batch(
    data: JSONBody[ClassifyBatchRequest],
    request: Request[Any, Any, Any],
    asker: NamedDependency[Asker],
    scoring: NamedDependency[Scoring],
) -> Response[ClassifyBatchResponse]:
    """Classifies every text. A text that cannot be read has an `error`; the others are answered all the same."""
    started = time.perf_counter()
    texts = _texts(data, request)
    asked = await asker.ask(data, request, "batch")
    answers = await unless_gone(request, scoring.many(texts, asked.question))
    body = ClassifyBatchResponse([_classified(a, asked) for a in answers], _total(answers), milliseconds(started))
    return Response(body, headers=await headers(_read(answers), request, scoring.limiter))


def _texts(data: ClassifyBatchRequest, request: Request[Any, Any, Any]) -> list[str]:
    facts = facts_of(request)
    facts.scores = True
    refuse_unsupported(data)
    if not data.texts:
        raise ValidationError("texts is missing or empty; send at least one text.", details={"field": "texts"})
    if len(data.texts) > MAX_TEXTS:
        raise ValidationError(
            f"texts has {len(data.texts):,} entries; at most {MAX_TEXTS:,} are allowed. Send several batches.",
            details={"field": "texts"},
        )
    facts.texts = data.texts
    return data.texts


def _tagged(answer: Answer | InputError, asked: Asked) -> TaggedItem:
    if isinstance(answer, InputError):
        return TaggedItem([], 0, ItemCache(False), answer.message)
    labels = [TaggedLabel(**asdict(scored)) for scored in above(asked.labels, answer.scores, asked.thresholds)]
    return TaggedItem(labels, answer.scores.tokens, ItemCache(answer.age is not None))


def _classified(answer: Answer | InputError, asked: Asked) -> ClassifiedItem:
    if isinstance(answer, InputError):
        return ClassifiedItem(None, None, 0, ItemCache(False), answer.message)
    best = choose(asked.labels, answer.scores)
    return ClassifiedItem(best.label, best.confidence, answer.scores.tokens, ItemCache(answer.age is not None))


def _read(answers: list[Answer | InputError]) -> list[Answer]:
    return [answer for answer in answers if isinstance(answer, Answer)]


def _total(answers: list[Answer | InputError]) -> int:
    return sum(answer.scores.tokens for answer in _read(answers))
