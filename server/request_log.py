"""The outermost layer: a request id for every answer and one log line for every request, without its content."""

import re
import time
from typing import Any
from uuid import uuid4

import structlog
from litestar import Litestar
from litestar.types import Message, Receive, Scope, Send

from server.recorder import Facts, Recorder

log = structlog.get_logger("server")

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class RequestLog:
    """ASGI wrapper. A client's X-Request-ID is kept when it is short and plain."""

    def __init__(self, app: Litestar) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if str(scope["type"]) != "http":
            await self.app(scope, receive, send)
            return
        request_id, started, status = _request_id(scope), time.perf_counter(), 500
        scope.setdefault("state", {})["facts"] = facts = Facts()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                ms = round((time.perf_counter() - started) * 1000, 1)
                self._note(scope, facts, request_id, status, ms)

    def _note(self, scope: Any, facts: Facts, request_id: str, status: int, ms: float) -> None:
        """One line, without content. The path is that of the route: what a client wrote there is not logged."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = scope.get("path_template", "unknown")
        counted = {"tokens": facts.tokens, "labels": facts.labels} if facts.labels else {}
        known = {"key": facts.caller, "classifier": facts.classifier, "error_code": facts.error_code}
        told = {name: value for name, value in known.items() if value}
        log.info("request", method=method, route=route, **counted, **told, status=status, ms=ms)
        recorder: Recorder | None = self.app.state.get("recorder")
        if recorder and route.startswith("/v1/"):
            recorder.note(facts, request_id, method, route, status, ms)


def _request_id(scope: Any) -> str:
    sent = dict(scope["headers"]).get(b"x-request-id", b"")
    return sent.decode() if _ACCEPTABLE_ID.fullmatch(sent) else uuid4().hex
