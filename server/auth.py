"""Who may call: Bearer keys, checked before a body is read. A route is protected unless it says that it is public."""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from server.errors import InvalidApiKey, UnsupportedMediaType

PUBLIC = {"public": True}
"""Give this as `opt` to a route that needs no key."""


class KeyRing:
    """The configured keys, kept as digests. Without any, everybody may call."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    @property
    def is_open(self) -> bool:
        """Whether no key is needed."""
        return not self._digests

    def knows(self, key: str) -> bool:
        """Whether the key is one of them, in time that does not depend on how much of it is right."""
        offered = _digest(key)
        matches = [hmac.compare_digest(offered, digest) for digest in self._digests]
        return any(matches)


async def require_key(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar guard: 401 unless the route is public, the server open, or the key known."""
    keys: KeyRing = connection.app.state.key_ring
    if handler.opt.get("public") or keys.is_open:
        return
    scheme, _, key = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise InvalidApiKey(
            "An API key is needed: send the header 'Authorization: Bearer <key>'.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if not keys.knows(key.strip()):
        raise InvalidApiKey("The API key is not valid.", headers={"WWW-Authenticate": "Bearer"})


async def require_json(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar guard: 415 for a POST whose content type is not JSON.

    A web page of another origin cannot send JSON unasked, so this also keeps other sites'
    scripts away from a server that is open on loopback.
    """
    if connection.scope.get("method") != "POST":
        return
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        sent = f"not {media_type!r}" if media_type else "it is missing"
        raise UnsupportedMediaType(f"Send the body as JSON with the header 'Content-Type: application/json' ({sent}).")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
