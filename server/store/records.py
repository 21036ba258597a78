"""Records of requests: what was asked, by whom, with which outcome. Texts only when the operator wants them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from nli_tagger.strings import check_readable
from server.store.database import Database
from server.store.models import RecordRow
from server.store.references import refers_to


class Records:
    """The store of request records."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, records: Sequence[dict[str, Any]]) -> None:
        """Appends records, given by column."""
        if records:
            async with self.database.write() as session:
                await session.execute(insert(RecordRow), list(records))

    async def newest(
        self, count: int, before: int | None, key: str | None, status: int | None, classifier: str | None
    ) -> list[RecordRow]:
        """Newest first; `before` is the id of the last record of the page before. Raises `InputError`."""
        query = select(RecordRow).order_by(RecordRow.id.desc()).limit(count)
        if key is not None:
            query = query.where(RecordRow.key == check_readable(key, "key"))
        if status is not None:
            query = query.where(RecordRow.status == status)
        if before is not None:
            query = query.where(RecordRow.id < before)
        if classifier is not None:
            query = query.where(refers_to(RecordRow.classifier, classifier))
        async with self.database.read() as session:
            return list(await session.scalars(query))

    async def forget_before(self, moment: datetime) -> None:
        """Deletes older records for good."""
        async with self.database.write() as session:
            await session.execute(delete(RecordRow).where(RecordRow.at < moment))
