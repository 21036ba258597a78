"""POST /v1/tag: every label that applies to a text."""

import time
from dataclasses import asdict

from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from nli_tagger import LabelSet, Tagger
from nli_tagger.tagger import DEFAULT_THRESHOLD, above, check_threshold
from server.disconnect import unless_gone
from server.errors import ValidationError
from server.scheduler import Scheduler
from server.schemas import ErrorBody, TaggedLabel, TagRequest, TagResponse

_LATER = ("image", "file", "classifier", "examples")

_MEANINGS = {
    400: "The body is not valid JSON.",
    401: "The API key is missing or not valid.",
    413: "The body is too large.",
    415: "The content type is not application/json.",
    422: "A field is missing, of the wrong type or outside its limits.",
    500: "The server failed; its log has the error under the X-Request-ID.",
    503: "Too much work is waiting, or the request took too long.",
}
ERRORS = {
    status: ResponseSpec(ErrorBody, description=meaning, generate_examples=False)
    for status, meaning in _MEANINGS.items()
}


@post("/v1/tag", operation_id="tag", tags=["Tagging"], summary="Tag a text", status_code=200, responses=ERRORS)
async def tag(
    data: JSONBody[TagRequest],
    request: Request[None, None, State],
    tagger: NamedDependency[Tagger],
    scheduler: NamedDependency[Scheduler],
) -> Response[TagResponse]:
    """Returns every label whose confidence is at least the threshold, each judged by itself, highest first."""
    started = time.perf_counter()
    refuse_unsupported(data)
    if data.text is None:
        raise ValidationError("text is missing; send the text to tag.", details={"field": "text"})
    threshold = check_threshold(DEFAULT_THRESHOLD if data.threshold is None else data.threshold)
    labels = LabelSet.of(data.labels or [], data.descriptions, data.text_type)
    job = tagger.score_steps(data.text, labels)
    scores = await unless_gone(request, scheduler.run(job, data.priority or "standard"))
    request.scope["state"].update(tokens=scores.tokens, labels=len(labels.names))
    found = [TaggedLabel(**asdict(scored)) for scored in above(labels, scores, threshold)]
    latency = round((time.perf_counter() - started) * 1000, 1)
    return Response(TagResponse(found, scores.tokens, latency), headers={"X-Tokens-Used": str(scores.tokens)})


def refuse_unsupported(data: TagRequest) -> None:
    """422 for inputs that this version cannot use: ignoring them would answer another question."""
    for field in _LATER:
        if getattr(data, field) is not None:
            raise ValidationError(
                f"{field} is not supported by this version of the server; send text and labels.",
                details={"field": field},
            )
