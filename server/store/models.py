"""The tables. Times are UTC; JSON columns hold what is read whole and never searched."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from advanced_alchemy.base import AdvancedDeclarativeBase, BigIntBase, CommonTableAttributes, UUIDBase
from advanced_alchemy.types import DateTimeUTC, JsonB
from sqlalchemy import BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

NAME_CHARACTERS = 64


class ClassifierRow(UUIDBase):
    """A name. It stays when the classifier is deleted, so that a version's number never means two things."""

    __tablename__ = "classifier"

    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS), unique=True)
    newest: Mapped[int] = mapped_column(default=0)
    """The highest number ever given to a version."""
    versions: Mapped[list["VersionRow"]] = relationship(
        order_by="VersionRow.number", cascade="all, delete-orphan", lazy="selectin"
    )
    aliases: Mapped[list["AliasRow"]] = relationship(
        order_by="AliasRow.name", cascade="all, delete-orphan", lazy="selectin"
    )


class VersionRow(UUIDBase):
    """One immutable version of a classifier."""

    __tablename__ = "classifier_version"
    __table_args__ = (UniqueConstraint("classifier_id", "number"),)

    classifier_id: Mapped[UUID] = mapped_column(ForeignKey("classifier.id", ondelete="CASCADE"))
    number: Mapped[int]
    definition: Mapped[dict[str, Any]] = mapped_column(JsonB)
    created_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))


class AliasRow(UUIDBase):
    """A movable name of a version. `targets` are the numbers it has pointed to; the last is the current one."""

    __tablename__ = "classifier_alias"
    __table_args__ = (UniqueConstraint("classifier_id", "name"),)

    classifier_id: Mapped[UUID] = mapped_column(ForeignKey("classifier.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_CHARACTERS))
    targets: Mapped[list[int]] = mapped_column(JsonB)


class KeyRow(UUIDBase):
    """An API key. The key itself is not stored, only its SHA-256."""

    __tablename__ = "api_key"

    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(16))
    scopes: Mapped[list[str]] = mapped_column(JsonB)
    classifiers: Mapped[list[str] | None] = mapped_column(JsonB)
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None] = mapped_column(BigInteger)
    concurrent: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))


class UsageRow(CommonTableAttributes, AdvancedDeclarativeBase):
    """What one key did with one classifier on one day; "" stands for labels sent inline."""

    __tablename__ = "usage"

    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(36), primary_key=True)
    classifier: Mapped[str] = mapped_column(String(NAME_CHARACTERS + 16), primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    errors: Mapped[int] = mapped_column(BigInteger)
    texts: Mapped[int] = mapped_column(BigInteger)
    cache_hits: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)


class RecordRow(BigIntBase):
    """One request. `texts` is filled only when the operator switched that on."""

    __tablename__ = "request_record"

    at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True), index=True)
    request_id: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(36), index=True)
    route: Mapped[str] = mapped_column(String(100))
    method: Mapped[str] = mapped_column(String(10))
    status: Mapped[int]
    error_code: Mapped[str] = mapped_column(String(40))
    classifier: Mapped[str] = mapped_column(String(NAME_CHARACTERS + 16))
    labels: Mapped[int]
    text_count: Mapped[int]
    cache_hits: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)
    ms: Mapped[float]
    texts: Mapped[str | None] = mapped_column(Text)
