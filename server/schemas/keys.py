"""API keys."""

from datetime import datetime
from typing import Annotated

import msgspec

from server.store.keys import Scope

Meta = msgspec.Meta


class KeyLimits(msgspec.Struct, kw_only=True):
    """Limits of a key; null for the server's default."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: Annotated[int | None, Meta(description="Requests computed at the same time.")] = None


class NewKey(KeyLimits, kw_only=True):
    """A key to create."""

    name: Annotated[str, Meta(description="For people: who or what uses it.", examples=["ticket importer"])]
    scopes: Annotated[
        list[Scope],
        Meta(description='"tag" scores texts, "manage" also writes classifiers, "admin" may do everything.'),
    ] = msgspec.field(default_factory=lambda: ["tag"])
    classifiers: Annotated[
        list[str] | None, Meta(description="The only classifiers it may use; null: all, and labels sent inline.")
    ] = None
    expires_at: datetime | None = None


class KeyInfo(KeyLimits, kw_only=True):
    """A key as it is remembered. `hint` is how it begins."""

    id: str
    name: str
    hint: str
    scopes: list[Scope]
    classifiers: list[str] | None
    created_at: datetime
    expires_at: datetime | None


class CreatedKey(KeyInfo, kw_only=True):
    """A new key; `key` is shown this once."""

    key: Annotated[str, Meta(description="Send it as 'Authorization: Bearer KEY'. It cannot be shown again.")]


class KeyList(msgspec.Struct):
    """All keys, oldest first; those of the settings are not among them."""

    keys: list[KeyInfo]
