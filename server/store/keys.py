"""API keys. A key is shown once, when it is made; what is stored is its SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from sqlalchemy import select

from nli_tagger import InputError
from server.errors import NotFound
from server.store.database import Database
from server.store.models import KeyRow
from server.store.references import check_name

PREFIX = "nlt_"
_HINT_CHARACTERS = 8
MOST_REQUESTS, MOST_CONCURRENT = 100_000, 256
_LARGEST = {"requests_per_minute": MOST_REQUESTS, "tokens_per_minute": 2**31 - 1, "concurrent": MOST_CONCURRENT}

Scope = Literal["tag", "manage", "admin"]


@dataclass(frozen=True)
class Limits:
    """What a key may use; None is no limit of its own."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


@dataclass(frozen=True)
class Key:
    """A key as it is remembered. `classifiers`, where given, are the only ones it may use."""

    id: str
    name: str
    hint: str
    scopes: frozenset[Scope]
    limits: Limits
    classifiers: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class _Repository(SQLAlchemyAsyncRepository[KeyRow]):
    model_type = KeyRow


class Keys:
    """The store of keys."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def create(
        self,
        name: str,
        scopes: set[Scope],
        limits: Limits = Limits(),
        classifiers: set[str] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which nobody can ask for again. Raises `InputError`."""
        _check(name, scopes, limits, classifiers, expires_at)
        secret = PREFIX + secrets.token_urlsafe(32)
        row = KeyRow(
            id=uuid4(),
            name=name.strip(),
            digest=digest(secret),
            hint=secret[:_HINT_CHARACTERS],
            scopes=sorted(scopes),
            classifiers=sorted(classifiers) if classifiers is not None else None,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
            concurrent=limits.concurrent,
            created_at=datetime.now(UTC),
            expires_at=expires_at,
        )
        async with self.database.write() as session:
            await _Repository(session=session).add(row)
        return _key(row), secret

    async def find(self, secret: str) -> Key | None:
        """The key with that secret, expired or not."""
        async with self.database.read() as session:
            row = await _Repository(session=session).get_one_or_none(digest=digest(secret))
            return _key(row) if row else None

    async def list(self) -> list[Key]:
        """All keys, oldest first."""
        async with self.database.read() as session:
            rows = await _Repository(session=session).get_many(order_by=[("created_at", False)])
            return [_key(row) for row in rows]

    async def exist(self) -> bool:
        """Whether there is any key."""
        async with self.database.read() as session:
            return await session.scalar(select(KeyRow.id).limit(1)) is not None

    async def delete(self, key_id: str) -> None:
        """The key is refused from now on. Raises `NotFound`."""
        async with self.database.write() as session:
            keys = _Repository(session=session)
            row = await keys.get_one_or_none(id=_uuid(key_id))
            if row is None:
                raise NotFound("There is no key with this id; GET /v1/keys lists them.")
            await keys.delete(row.id)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal. A key has 256 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _check(
    name: str, scopes: set[Scope], limits: Limits, classifiers: set[str] | None, expires_at: datetime | None
) -> None:
    if not 1 <= len(name.strip()) <= 100 or not name.isprintable():
        raise InputError("name must be 1 to 100 printable characters.", "name")
    if not scopes:
        raise InputError('scopes is empty; give at least one of "tag", "manage", "admin".', "scopes")
    for field, largest in _LARGEST.items():
        value = getattr(limits, field)
        if value is not None and not 1 <= value <= largest:
            raise InputError(f"{field} must be from 1 to {largest:,}, or left out for no limit.", field)
    for classifier in classifiers or ():
        check_name(classifier, "classifiers")
    if expires_at is not None and not _is_to_come(expires_at):
        raise InputError("expires_at must be a time in the future with its offset from UTC.", "expires_at")


def _is_to_come(moment: datetime) -> bool:
    try:
        return moment.tzinfo is not None and moment.astimezone(UTC) > datetime.now(UTC)
    except OverflowError:  # no year 10000 in UTC
        return False


def _uuid(key_id: str) -> UUID | None:
    try:
        return UUID(key_id)
    except ValueError:
        return None


def _key(row: KeyRow) -> Key:
    return Key(
        str(row.id),
        row.name,
        row.hint,
        frozenset(row.scopes),  # type: ignore[arg-type]
        Limits(row.requests_per_minute, row.tokens_per_minute, row.concurrent),
        frozenset(row.classifiers) if row.classifiers is not None else None,
        row.created_at,
        row.expires_at,
    )
