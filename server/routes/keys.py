"""/v1/keys: make, list and delete API keys."""

from typing import Any

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from server.auth import needs
from server.routes.answers import DELETING_ERRORS, READING_ERRORS, WRITING_ERRORS
from server.schemas.classifiers import Deleted
from server.schemas.keys import CreatedKey, KeyInfo, KeyList, NewKey
from server.store.keys import Key, Keys, Limits

_TAGS = ["Keys"]


@post("/", operation_id="create_key", summary="Create a key", tags=_TAGS, opt=needs("admin"), responses=WRITING_ERRORS)
async def create(data: JSONBody[NewKey], keys: NamedDependency[Keys]) -> CreatedKey:
    """The answer is the only place where the key is ever shown."""
    limits = Limits(data.requests_per_minute, data.tokens_per_minute, data.concurrent)
    classifiers = set(data.classifiers) if data.classifiers is not None else None
    key, secret = await keys.create(data.name, set(data.scopes), limits, classifiers, data.expires_at)
    return CreatedKey(key=secret, **_fields(key))


@get("/", operation_id="list_keys", summary="List keys", tags=_TAGS, opt=needs("admin"), responses=READING_ERRORS)
async def list_keys(keys: NamedDependency[Keys]) -> KeyList:
    """What they may do, never what they are."""
    return KeyList([KeyInfo(**_fields(key)) for key in await keys.list()])


@delete(
    "/{key_id:str}",
    operation_id="delete_key",
    summary="Delete a key",
    tags=_TAGS,
    status_code=200,
    opt=needs("admin"),
    responses=DELETING_ERRORS,
)
async def remove(key_id: FromPath[str], keys: NamedDependency[Keys]) -> Deleted:
    """It is refused from the next request on."""
    await keys.delete(key_id)
    return Deleted(key_id)


def router() -> Router:
    """All of them."""
    return Router("/v1/keys", route_handlers=[create, list_keys, remove])


def _fields(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "scopes": sorted(key.scopes),
        "classifiers": sorted(key.classifiers) if key.classifiers is not None else None,
        "requests_per_minute": key.limits.requests_per_minute,
        "tokens_per_minute": key.limits.tokens_per_minute,
        "concurrent": key.limits.concurrent,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }
