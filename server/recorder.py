"""Notes what every request did, and writes it to the database in the background.

Written every second and when the server stops: a server that is killed loses the last second of
usage and records, never a classifier or a key.
"""

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from server.store.records import Records
from server.store.usage import Counts, Usage, UsageKey

log = structlog.get_logger("server")

_FLUSH_SECONDS = 1.0
_PRUNE_SECONDS = 3600.0
_MOST_WAITING = 50_000


@dataclass
class Facts:
    """What is known of a request when it has been answered; routes fill in what they learn.

    `scores` says whether the route scores texts: those are counted as usage.
    """

    scores: bool = False
    caller: str = ""
    classifier: str = ""
    labels: int = 0
    texts: list[str] = field(default_factory=list)
    cache_hits: int = 0
    tokens: int = 0
    error_code: str = ""


class Recorder:
    """Buffers facts; use as an async context manager. `keep_texts` also keeps what was sent."""

    def __init__(self, usage: Usage, records: Records, keep_days: int, keep_texts: bool) -> None:
        self._usage, self._records = usage, records
        self._keep, self._keep_texts = timedelta(days=keep_days), keep_texts
        self._counted: dict[UsageKey, Counts] = defaultdict(Counts)
        self._waiting: list[dict[str, Any]] = []
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Recorder":
        self._tasks = [asyncio.create_task(self._write_often()), asyncio.create_task(self._prune_often())]
        return self

    async def __aexit__(self, *_: object) -> None:
        writing, pruning = self._tasks
        self._stopping.set()  # a write that is cancelled half-way would lose what it holds
        pruning.cancel()
        await asyncio.gather(writing, pruning, return_exceptions=True)
        await self._write()

    def note(self, facts: Facts, request_id: str, method: str, route: str, status: int, ms: float) -> None:
        """Remembers one answered request."""
        now = datetime.now(UTC)
        if facts.scores:
            counts = Counts(1, int(status >= 400), len(facts.texts), facts.cache_hits, facts.tokens)
            self._counted[UsageKey(now.date(), facts.caller, facts.classifier)].add(counts)
        if self._keep and len(self._waiting) < _MOST_WAITING:
            self._waiting.append(self._record(facts, now, request_id, method, route, status, ms))

    def _record(
        self, facts: Facts, at: datetime, request_id: str, method: str, route: str, status: int, ms: float
    ) -> dict[str, Any]:
        return {
            "at": at,
            "request_id": request_id,
            "key": facts.caller,
            "route": route,
            "method": method,
            "status": status,
            "error_code": facts.error_code,
            "classifier": facts.classifier,
            "labels": facts.labels,
            "text_count": len(facts.texts),
            "cache_hits": facts.cache_hits,
            "tokens": facts.tokens,
            "ms": ms,
            "texts": msgspec.json.encode(facts.texts).decode() if self._keep_texts and facts.texts else None,
        }

    async def _write_often(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _FLUSH_SECONDS)
            await self._write()

    async def _prune_often(self) -> None:
        while True:
            with suppress(Exception):  # tried again in an hour
                await self._records.forget_before(datetime.now(UTC) - self._keep)
            await asyncio.sleep(_PRUNE_SECONDS)

    async def _write(self) -> None:
        """What cannot be written now waits for the next time."""
        counted, self._counted = self._counted, defaultdict(Counts)
        try:
            await self._usage.add(counted)
        except Exception as error:
            log.warning("usage not written yet", error=type(error).__name__)
            for key, counts in counted.items():
                self._counted[key].add(counts)
        waiting, self._waiting = self._waiting, []
        try:
            await self._records.add(waiting)
        except Exception as error:
            log.warning("records not written yet", error=type(error).__name__)
            self._waiting = [*waiting, *self._waiting][:_MOST_WAITING]
