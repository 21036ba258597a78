"""What the scoring endpoints share: documented errors, headers, notes for the log."""

from collections.abc import Sequence
from typing import Any

from litestar import Request
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec

from server.asking import facts_of
from server.auth import needs
from server.limits import Limiter
from server.schemas.common import ErrorBody
from server.scoring import Answer

_MEANINGS = {
    400: "The request cannot be read: its body is not valid JSON.",
    401: "The API key is missing or not valid.",
    403: "The API key may not do this.",
    404: "There is no such thing.",
    409: "It contradicts what is stored.",
    413: "The body is too large.",
    415: "The content type is not application/json.",
    422: "A field is missing, of the wrong type or outside its limits.",
    429: "A limit of the key is used up; Retry-After says when to try again.",
    500: "The server failed; its log has the error under the X-Request-ID.",
    503: "Too much work is waiting, the request took too long, or the database does not answer.",
}


def errors(*statuses: int) -> dict[int, ResponseSpec]:
    """The documentation of those errors, and of the ones that every route has."""
    every = sorted({401, 403, 500, 503, *statuses})
    return {status: ResponseSpec(ErrorBody, description=_MEANINGS[status], generate_examples=False) for status in every}


def _header(name: str, meaning: str, kind: type = str) -> ResponseHeader:
    return ResponseHeader(name=name, description=meaning, documentation_only=True, required=False, value=kind())


SCORING_HEADERS = [
    _header("X-Cache", "HIT when nothing had to be computed, otherwise MISS."),
    _header("X-Cache-Key", "The first 16 characters of the key of the answer; not for batches of several texts."),
    _header("X-Cache-Age", "Seconds since the answer was computed (the oldest of a batch); only with hits.", int),
    _header("X-Tokens-Used", "Tokens computed for this request: 0 for an answer from the cache.", int),
    _header("X-RateLimit-Limit-Requests", "Requests a minute, where the key has a limit.", int),
    _header("X-RateLimit-Remaining-Requests", "Requests left.", int),
    _header("X-RateLimit-Limit-Tokens", "Tokens a minute, where the key has a limit.", int),
    _header("X-RateLimit-Remaining-Tokens", "Tokens left.", int),
    _header("X-RateLimit-Reset", "Unix time at which more is allowed again.", int),
]
SCORING: dict[str, Any] = {
    "tags": ["Tagging"],
    "status_code": 200,
    "opt": needs("tag"),
    "responses": errors(400, 404, 413, 415, 422, 429),
    "response_headers": SCORING_HEADERS,
}
"""What all routes that score texts have in common."""
WRITING_ERRORS = errors(400, 404, 409, 413, 415, 422)
DELETING_ERRORS = errors(400, 404, 409, 422)
READING_ERRORS = errors(400, 404, 422)


async def headers(answers: Sequence[Answer], request: Request[Any, Any, Any], limiter: Limiter) -> dict[str, str]:
    """Cache and limit headers; X-Cache-Key is of a single answer."""
    hits = [answer for answer in answers if answer.age is not None]
    note(answers, request)
    used = sum(answer.tokens_computed for answer in answers)
    found = {"X-Tokens-Used": str(used), "X-Cache": "HIT" if answers and len(hits) == len(answers) else "MISS"}
    if len(answers) == 1:
        found["X-Cache-Key"] = answers[0].key[:16]
    if hits:
        found["X-Cache-Age"] = str(max(answer.age or 0 for answer in hits))
    return found | await limiter.headers(request.scope["state"]["caller"])


def note(answers: Sequence[Answer], request: Request[Any, Any, Any]) -> None:
    """Writes down what was computed, for the log and for usage."""
    facts = facts_of(request)
    facts.tokens = sum(answer.tokens_computed for answer in answers)
    facts.cache_hits = sum(answer.age is not None for answer in answers)
