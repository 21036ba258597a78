"""Errors over HTTP: one class per status and code, one shape, and a message that says what to do.

    ApiError
    ├── InvalidJson 400           ├── ValidationError 422 (field)
    ├── InvalidApiKey 401         ├── TextTooLong 422 (field)
    ├── Forbidden 403             ├── RateLimited 429 (Retry-After)
    ├── NotFound 404              ├── ClientGone 499
    ├── MethodNotAllowed 405      ├── InternalError 500
    ├── Conflict 409              ├── ServerBusy 503 (Retry-After)
    ├── BodyTooLarge 413          ├── DeadlineExceeded 503
    └── UnsupportedMediaType 415  └── StoreUnavailable 503 (Retry-After)

The body is Classer's documented shape plus a string `detail`, which is what its SDKs read.
"""

from typing import Any, ClassVar

import structlog
from advanced_alchemy.exceptions import RepositoryError
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from sqlalchemy.exc import SQLAlchemyError

from nli_tagger.errors import InputError, TextTooLongError

log = structlog.get_logger("server")

_NOT_JSON = "The body is not valid JSON. Send one JSON object in UTF-8, without lone surrogates."
_JSON_NAMES = {"`float": "`number", "`int": "`number", "`str": "`string", "`bool": "`true or false"}


class ApiError(Exception):
    """An error that a client is told about."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str, *, details: dict[str, Any] | None = None, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.message = message
        self.details = details or {}
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        error = self.code.lower().replace("_", "-")
        shape = {"error": error, "code": self.code, "message": self.message, "detail": self.message}
        return shape | ({"details": self.details} if self.details else {})


class InvalidJson(ApiError):
    """The body is not one JSON object in UTF-8."""

    status, code = 400, "INVALID_JSON"


class InvalidApiKey(ApiError):
    """No key, or one that is not known."""

    status, code = 401, "INVALID_API_KEY"


class Forbidden(ApiError):
    """The key is valid, but not for this."""

    status, code = 403, "FORBIDDEN"


class NotFound(ApiError):
    """No such path, classifier, version, alias or key."""

    status, code = 404, "NOT_FOUND"


class MethodNotAllowed(ApiError):
    """The path exists, the method does not."""

    status, code = 405, "METHOD_NOT_ALLOWED"


class Conflict(ApiError):
    """The request contradicts what is stored."""

    status, code = 409, "CONFLICT"


class BodyTooLarge(ApiError):
    """More bytes than `max_body_bytes`."""

    status, code = 413, "BODY_TOO_LARGE"


class UnsupportedMediaType(ApiError):
    """The content type is not JSON."""

    status, code = 415, "UNSUPPORTED_MEDIA_TYPE"


class ValidationError(ApiError):
    """A field is missing, of the wrong type or outside its limits."""

    status, code = 422, "VALIDATION_ERROR"


class TextTooLong(ApiError):
    """More tokens of text than one request may have."""

    status, code = 422, "TEXT_TOO_LONG"


class RateLimited(ApiError):
    """The key has used up a limit; Retry-After says when it is worth trying again."""

    status, code = 429, "RATE_LIMITED"


class ClientGone(ApiError):
    """The client closed the connection; nobody reads this answer, the log shows its status."""

    status, code = 499, "CLIENT_GONE"


class InternalError(ApiError):
    """A defect of the server; the log has it under the request's id."""


class ServerBusy(ApiError):
    """The queue is full."""

    status, code = 503, "SERVER_BUSY"


class DeadlineExceeded(ApiError):
    """The request took longer than `timeout`."""

    status, code = 503, "DEADLINE_EXCEEDED"


class StoreUnavailable(ApiError):
    """The database does not answer."""

    status, code = 503, "STORE_UNAVAILABLE"


def from_input_error(error: InputError) -> ApiError:
    """The library's complaint about an argument as an HTTP error."""
    kind = TextTooLong if isinstance(error, TextTooLongError) else ValidationError
    return kind(error.message, details={"field": error.field})


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """The one exception handler of the server: every error leaves in the same shape."""
    known = _known(error)
    if isinstance(known, InternalError | StoreUnavailable):
        # an exception's message may quote a text, so only its type and place are logged
        log.error("unhandled", error=type(error).__name__, at=_place(error))
    request.scope["state"]["facts"].error_code = known.code
    return Response(known.body(), status_code=known.status, headers=known.headers, media_type="application/json")


def _known(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, InputError):
        return from_input_error(error)
    if isinstance(error, ValidationException):
        return _validation(error)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, SQLAlchemyError | RepositoryError):
        return StoreUnavailable("The database does not answer; try again shortly.", headers={"Retry-After": "2"})
    if isinstance(error, UnicodeDecodeError | RecursionError) and _in_decoder(error):  # not UTF-8, or nested too deep
        return InvalidJson(_NOT_JSON)
    return InternalError("The server failed to answer this request. Its log has the error under the X-Request-ID.")


def _of_framework(error: HTTPException) -> ApiError:
    match error.status_code:
        case 400:
            return InvalidJson(_NOT_JSON)
        case 404:
            return NotFound("There is nothing at this path; /docs lists the API.")
        case 405:
            allowed = {"Allow": (error.headers or {}).get("allow", "")}
            return MethodNotAllowed("This method is not allowed here; /docs lists the API.", headers=allowed)
        case 413:
            return BodyTooLarge("The body is too large; send the text in several requests.")
        case _ if "disconnected" in error.detail:
            return ClientGone("The client closed the connection.")
        case _:
            return InternalError("The server failed to answer this request.")


def _validation(error: ValidationException) -> ApiError:
    """msgspec's first complaint in a client's words: which field, what was expected."""
    extra = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    field = str(extra.get("key", "data"))
    if field == "data":
        return ValidationError('The body must be a JSON object, such as {"text": ..., "labels": [...]}.')
    message = str(extra.get("message", "not valid"))
    if field == "priority" and message.startswith("Invalid enum"):
        message = 'Expected "standard" or "fast"'
    for python, json in _JSON_NAMES.items():
        message = message.replace(python, json)
    return ValidationError(f"{field}: {message}.", details={"field": field})


def _in_decoder(error: Exception) -> bool:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is not None and "litestar/serialization" in trace.tb_frame.f_code.co_filename


def _place(error: Exception) -> str:
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(frames[-6:])
