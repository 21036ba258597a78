"""A Litestar store in memory that cannot grow without bound: the least recently used entries go first."""

import math
import time
from datetime import timedelta

from cachetools import TLRUCache
from litestar.stores.base import Store

_OVERHEAD = 400
"""Bytes that Python needs around an entry, roughly."""


class BoundedMemoryStore(Store):
    """At most `most_bytes` and `most_entries`. An entry larger than the whole is not stored."""

    __slots__ = ("_entries", "_most_entries")

    def __init__(self, most_bytes: int, most_entries: int) -> None:
        self._entries: TLRUCache[str, tuple[bytes, float]] = TLRUCache(
            most_bytes,
            ttu=lambda _key, entry, _now: entry[1],
            timer=time.monotonic,
            getsizeof=lambda entry: len(entry[0]) + _OVERHEAD,
        )
        self._most_entries = most_entries

    async def set(self, key: str, value: str | bytes, expires_in: int | timedelta | None = None) -> None:
        data = value.encode() if isinstance(value, str) else value
        self._entries.pop(key, None)
        if len(data) + _OVERHEAD <= self._entries.maxsize:
            self._entries[key] = (data, _end(expires_in))
        while len(self._entries) > self._most_entries:
            self._entries.popitem()

    async def get(self, key: str, renew_for: int | timedelta | None = None) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if renew_for is not None and not math.isinf(entry[1]):
            await self.set(key, entry[0], renew_for)
        return entry[0]

    async def delete(self, key: str) -> None:
        self._entries.pop(key, None)

    async def delete_all(self) -> None:
        self._entries.clear()

    async def exists(self, key: str) -> bool:
        return key in self._entries

    async def expires_in(self, key: str) -> int | None:
        entry = self._entries.get(key)
        return None if entry is None or math.isinf(entry[1]) else max(0, round(entry[1] - time.monotonic()))


def _end(expires_in: int | timedelta | None) -> float:
    seconds = expires_in.total_seconds() if isinstance(expires_in, timedelta) else expires_in
    return math.inf if seconds is None else time.monotonic() + seconds
