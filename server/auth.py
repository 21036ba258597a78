"""Who may call what: Bearer keys, checked before a body is read. A route needs a key unless it says otherwise."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from server.addresses import is_loopback
from server.errors import Forbidden, InvalidApiKey, UnsupportedMediaType
from server.store.keys import Keys, Limits, Scope, digest

PUBLIC = {"public": True}
"""Give this as `opt` to a route that needs no key."""
OPEN = "open"
"""The id of a caller who needed no key."""
_RANKS: tuple[Scope, ...] = ("tag", "manage", "admin")
EVERY_SCOPE = frozenset(_RANKS)


def needs(scope: Scope) -> dict[str, Any]:
    """Give this as `opt` to a route; one that says nothing is for admins."""
    return {"scope": scope}


@dataclass(frozen=True)
class Caller:
    """Who sends a request. `classifiers`, where given, are all that it may use."""

    id: str
    scopes: frozenset[Scope]
    limits: Limits = field(default_factory=Limits)
    classifiers: frozenset[str] | None = None

    def may(self, scope: Scope) -> bool:
        """Each scope includes the ones before it: who may write classifiers may also use them."""
        return any(_RANKS.index(own) >= _RANKS.index(scope) for own in self.scopes)

    def check_classifier(self, name: str | None) -> None:
        """None stands for labels sent inline. Raises `Forbidden`."""
        if self.classifiers is not None and name not in self.classifiers:
            allowed = ", ".join(sorted(self.classifiers)) or "none"
            raise Forbidden(f"This key may use these classifiers only: {allowed}.")


class Gate:
    """Turns an Authorization header into a caller. `opens` says what happens without any key.

    `opens` is "never", "always", or "until there is a key".
    """

    def __init__(
        self, keys: Keys, tag_keys: Iterable[str], admin_keys: Iterable[str], default: Limits, opens: str
    ) -> None:
        self.keys, self.default, self.opens = keys, default, opens
        self._settled = [(digest(key), frozenset[Scope](("tag",))) for key in tag_keys]
        self._settled += [(digest(key), EVERY_SCOPE) for key in admin_keys]

    async def is_open(self) -> bool:
        """Whether everybody may do everything."""
        if self.opens == "until there is a key":
            return not self._settled and not await self.keys.exist()
        return self.opens == "always"

    async def caller(self, authorization: str) -> Caller:
        """Raises `InvalidApiKey`."""
        scheme, _, secret = authorization.partition(" ")
        try:
            if scheme.lower() != "bearer" or not secret.strip():
                raise _refused("An API key is needed: send the header 'Authorization: Bearer <key>'.")
            return self._from_settings(secret.strip()) or await self._from_store(secret.strip())
        except InvalidApiKey:
            if await self.is_open():  # a client that sends some header everywhere need not know that none is asked here
                return Caller(OPEN, EVERY_SCOPE, self.default)
            raise

    def _from_settings(self, secret: str) -> Caller | None:
        offered = digest(secret)
        found = [scopes for known, scopes in self._settled if hmac.compare_digest(offered, known)]
        return Caller(f"settings-{offered[:8]}", found[-1], self.default) if found else None

    async def _from_store(self, secret: str) -> Caller:
        key = await self.keys.find(secret)
        if key is None:
            raise _refused("The API key is not valid.")
        if key.has_expired:
            raise _refused("The API key has expired; ask for a new one.")
        own = key.limits
        limits = Limits(
            own.requests_per_minute or self.default.requests_per_minute,
            own.tokens_per_minute or self.default.tokens_per_minute,
            own.concurrent or self.default.concurrent,
        )
        return Caller(key.id, key.scopes, limits, key.classifiers)


async def require_key(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar guard: 401 without a key, 403 with one that may not, unless the route is public."""
    if handler.opt.get("public"):
        return
    gate: Gate = connection.app.state.gate
    caller = await gate.caller(connection.headers.get("authorization", ""))
    if caller.id == OPEN and gate.opens != "always":
        _check_host(connection.headers.get("host", ""))
    connection.scope["state"]["caller"] = caller
    connection.scope["state"]["facts"].caller = caller.id
    scope: Scope = handler.opt.get("scope", "admin")
    if not caller.may(scope):
        raise Forbidden(f"This key lacks the scope {scope!r}; use a key that has it.")


async def require_json(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Litestar guard: 415 for a body whose content type is not JSON.

    A web page of another origin cannot send JSON unasked, so this also keeps other sites'
    scripts away from a server that is open on loopback. A browser names the origin of every POST,
    so only what comes without one may leave the content type out where no body is asked for.
    """
    needs_none = handler.opt.get("bodiless") and "origin" not in connection.headers
    if connection.scope.get("method") not in ("POST", "PUT", "PATCH") or needs_none:
        return
    media_type = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        sent = f"not {media_type!r}" if media_type else "it is missing"
        raise UnsupportedMediaType(f"Send the body as JSON with the header 'Content-Type: application/json' ({sent}).")


def _check_host(host: str) -> None:
    """A web page may have its own name resolved to this machine; without a key, only local names are let in."""
    try:
        is_local = is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:  # no host at all, such as "["
        is_local = False
    if not is_local:
        raise Forbidden(
            "Without an API key this server answers under localhost and 127.0.0.1 only. Make a key with "
            "'nli-tagger keys create', or set NLI_TAGGER_AUTH=off to let everyone in."
        )


def _refused(message: str) -> InvalidApiKey:
    return InvalidApiKey(message, headers={"WWW-Authenticate": "Bearer"})
