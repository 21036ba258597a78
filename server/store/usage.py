"""Usage by day, key and classifier."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from nli_tagger.strings import check_readable
from server.store.database import Database
from server.store.models import UsageRow
from server.store.references import refers_to

COUNTERS = ("requests", "errors", "texts", "cache_hits", "tokens")


@dataclass(frozen=True)
class UsageKey:
    """What is counted together. `classifier` is a pinned reference, or "" for labels sent inline."""

    day: date
    key: str
    classifier: str


@dataclass
class Counts:
    """Tokens count what was computed: those of a cache hit are free."""

    requests: int = 0
    errors: int = 0
    texts: int = 0
    cache_hits: int = 0
    tokens: int = 0

    def add(self, other: "Counts") -> None:
        """Adds in place."""
        for counter in COUNTERS:
            setattr(self, counter, getattr(self, counter) + getattr(other, counter))


class Usage:
    """The store of usage."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, counted: dict[UsageKey, Counts]) -> None:
        """Adds to what is there, in one transaction; several servers may do so at once."""
        if not counted:
            return
        async with self.database.write() as session:
            # one order for everybody: two servers that lock rows crosswise would wait for each other
            for key, counts in sorted(counted.items(), key=lambda item: astuple(item[0])):
                await session.execute(self._upsert(key, counts))

    async def between(self, first: date, last: date, key: str | None, classifier: str | None) -> list[UsageRow]:
        """Rows of those days, newest day first. `classifier` is a name or a pinned reference. Raises `InputError`."""
        query = select(UsageRow).where(UsageRow.day >= first, UsageRow.day <= last)
        if key is not None:
            query = query.where(UsageRow.key == check_readable(key, "key"))
        if classifier is not None:
            query = query.where(refers_to(UsageRow.classifier, classifier))
        async with self.database.read() as session:
            ordered = query.order_by(UsageRow.day.desc(), UsageRow.key, UsageRow.classifier)
            return list(await session.scalars(ordered))

    async def forget(self, days: int, today: date) -> None:
        """Deletes what is older than that many days."""
        async with self.database.write() as session:
            await session.execute(delete(UsageRow).where(UsageRow.day < today - timedelta(days)))

    def _upsert(self, key: UsageKey, counts: Counts) -> Any:
        insert = sqlite.insert if self.database.is_sqlite else postgresql.insert
        statement = insert(UsageRow).values(
            day=key.day, key=key.key, classifier=key.classifier, **{name: getattr(counts, name) for name in COUNTERS}
        )
        grown = {name: getattr(UsageRow, name) + getattr(statement.excluded, name) for name in COUNTERS}
        return statement.on_conflict_do_update(index_elements=["day", "key", "classifier"], set_=grown)


def total(rows: Iterable[UsageRow]) -> Counts:
    """The sum of rows."""
    counts = Counts()
    for row in rows:
        counts.add(Counts(*(getattr(row, name) for name in COUNTERS)))
    return counts
