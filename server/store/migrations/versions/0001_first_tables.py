"""Classifiers with versions and aliases, keys, usage, request records."""

from typing import Any

import sqlalchemy as sa
from advanced_alchemy.types import GUID, DateTimeUTC, JsonB
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates every table."""
    op.create_table(
        "api_key",
        *_identity(),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("scopes", JsonB, nullable=False),
        sa.Column("classifiers", JsonB),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("tokens_per_minute", sa.BigInteger),
        sa.Column("concurrent", sa.Integer),
        sa.Column("created_at", DateTimeUTC(timezone=True), nullable=False),
        sa.Column("expires_at", DateTimeUTC(timezone=True)),
    )
    op.create_table(
        "classifier",
        *_identity(),
        sa.Column("name", sa.String(64), nullable=False, unique=True),
        sa.Column("newest", sa.Integer, nullable=False),
    )
    op.create_table(
        "classifier_version",
        *_identity(),
        _classifier(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("definition", JsonB, nullable=False),
        sa.Column("created_at", DateTimeUTC(timezone=True), nullable=False),
        sa.UniqueConstraint("classifier_id", "number"),
    )
    op.create_table(
        "classifier_alias",
        *_identity(),
        _classifier(),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("targets", JsonB, nullable=False),
        sa.UniqueConstraint("classifier_id", "name"),
    )
    op.create_table(
        "usage",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("key", sa.String(36), primary_key=True),
        sa.Column("classifier", sa.String(80), primary_key=True),
        *_counters("requests", "errors", "texts", "cache_hits", "tokens"),
    )
    op.create_table(
        "request_record",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", DateTimeUTC(timezone=True), nullable=False, index=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(36), nullable=False, index=True),
        sa.Column("route", sa.String(100), nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("error_code", sa.String(40), nullable=False),
        sa.Column("classifier", sa.String(80), nullable=False),
        sa.Column("labels", sa.Integer, nullable=False),
        sa.Column("text_count", sa.Integer, nullable=False),
        sa.Column("cache_hits", sa.Integer, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("ms", sa.Float, nullable=False),
        sa.Column("texts", sa.Text),
    )


def downgrade() -> None:
    """Drops every table."""
    for table in ("classifier_version", "classifier_alias", "classifier", "api_key", "usage", "request_record"):
        op.drop_table(table)


def _identity() -> tuple[sa.Column[Any], sa.Column[Any]]:
    """The primary key and the sentinel by which the ORM matches rows inserted in bulk."""
    return sa.Column("id", GUID(length=16), primary_key=True), sa.Column("sa_orm_sentinel", sa.Integer)


def _classifier() -> sa.Column[Any]:
    return sa.Column(
        "classifier_id", GUID(length=16), sa.ForeignKey("classifier.id", ondelete="CASCADE"), nullable=False
    )


def _counters(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
