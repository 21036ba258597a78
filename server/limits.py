"""Limits of a key: requests and tokens a minute, and requests at the same time.

Counted by the library `limits`: in memory, or in Valkey/Redis, where every step is atomic across
processes. Requests are counted in a moving window (never more in any minute), tokens in a fixed
one. Requests at the same time are slots: a slot is a limit of one with a life of its own, so a
server that dies gives its slots back when their time is over.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import structlog
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.storage.redis import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from server.auth import Caller
from server.errors import RateLimited, ValidationError
from server.shared_store import TIMEOUTS, shared_store_url

log = structlog.get_logger("server")

T = TypeVar("T")

_SHARED_AGAIN_SECONDS = 5.0


class Limiter:
    """Counts against a caller's limits. While the shared store is down, each server counts by itself."""

    def __init__(self, shared_url: str = "", lease_seconds: float = 300.0) -> None:
        lease = math.ceil(lease_seconds) + 10
        self._local = _Counters(MemoryStorage(), lease)
        self._shared = _Counters(_shared_storage(shared_url), lease) if shared_url else None
        self._shared_again_at = 0.0

    @asynccontextmanager
    async def admit(self, caller: Caller) -> AsyncIterator[None]:
        """Counts one request, and holds a slot while the block runs. Raises `RateLimited`."""
        slot = await self._take_slot(caller)
        try:
            await self._count_request(caller)
            yield
        finally:
            if slot is not None:
                await slot.give_back()

    async def charge(self, caller: Caller, tokens: int) -> None:
        """Counts tokens before they are computed.

        Raises `RateLimited`, or `ValidationError` for more than a whole minute allows.
        """
        limit = caller.limits.tokens_per_minute
        if limit is None or tokens == 0:
            return
        if tokens > limit:
            raise ValidationError(
                f"The request has {tokens:,} tokens, and this key may use {limit:,} a minute; split the request."
            )
        wait = await self._counted(lambda counters: counters.tokens(caller.id, limit, tokens))
        if wait is not None:
            raise await self._refusal(caller, f"{limit:,} tokens a minute", wait)

    async def headers(self, caller: Caller) -> dict[str, str]:
        """The X-RateLimit headers with what is left; none for a caller without limits."""
        limits = {"Requests": caller.limits.requests_per_minute, "Tokens": caller.limits.tokens_per_minute}
        headers: dict[str, str] = {}
        resets = []
        for name, limit in limits.items():
            if limit is not None:
                remaining, reset = await self._left(caller, name, limit)
                headers |= {f"X-RateLimit-Limit-{name}": str(limit), f"X-RateLimit-Remaining-{name}": str(remaining)}
                resets.append(reset)
        return headers | ({"X-RateLimit-Reset": str(math.ceil(max(resets)))} if resets else {})

    async def close(self) -> None:
        """Closes the connections to the shared store."""
        if self._shared:
            await self._shared.close()

    async def _left(self, caller: Caller, name: str, limit: int) -> tuple[int, float]:
        return await self._counted(lambda counters: counters.left(caller.id, name, limit))

    async def _count_request(self, caller: Caller) -> None:
        limit = caller.limits.requests_per_minute
        if limit is not None:
            wait = await self._counted(lambda counters: counters.request(caller.id, limit))
            if wait is not None:
                raise await self._refusal(caller, f"{limit:,} requests a minute", wait)

    async def _take_slot(self, caller: Caller) -> "_Slot | None":
        most = caller.limits.concurrent
        if most is None:
            return None
        taking = asyncio.create_task(self._counted(lambda counters: counters.take(caller.id, most)))
        try:
            slot = await asyncio.shield(taking)
        except asyncio.CancelledError:  # the client has gone while the store was asked, which may have given a slot
            if given := await taking:
                await given.give_back()
            raise
        if slot is None:
            raise await self._refusal(caller, f"{most:,} requests at the same time", 1)
        return slot

    async def _refusal(self, caller: Caller, limit: str, wait: float) -> RateLimited:
        seconds = max(1, math.ceil(wait))
        headers = {"Retry-After": str(seconds), **await self.headers(caller)}
        return RateLimited(f"This key may use {limit}; try again in {seconds} s.", headers=headers)

    async def _counted(self, count: Callable[["_Counters"], Awaitable[T]]) -> T:
        if self._shared and time.monotonic() >= self._shared_again_at:
            try:
                return await count(self._shared)
            except Exception as error:  # whatever the client raises: limits go on, the answer is not lost
                log.warning("shared limits unavailable, counting by myself", error=type(error).__name__)
                self._shared_again_at = time.monotonic() + _SHARED_AGAIN_SECONDS
        return await count(self._local)


@dataclass(frozen=True)
class _Slot:
    """A slot that was taken. It goes back to where it came from, even if that is no longer asked."""

    counters: "_Counters"
    caller: str
    number: int

    async def give_back(self) -> None:
        try:
            await self.counters.release(self)
        except Exception as error:  # whatever the client raises: the slot is free when its time is over
            log.warning("a slot was not given back", error=type(error).__name__)


class _Counters:
    """The counters in one storage. Waits are in seconds; None means that it was counted."""

    def __init__(self, storage: Storage, lease_seconds: int) -> None:
        self._moving, self._fixed = MovingWindowRateLimiter(storage), FixedWindowRateLimiter(storage)
        self._storage = storage
        self._slot = RateLimitItemPerSecond(1, lease_seconds)

    async def request(self, caller: str, limit: int) -> float | None:
        item = RateLimitItemPerMinute(limit)
        if await self._moving.hit(item, "requests", caller):
            return None
        return (await self._moving.get_window_stats(item, "requests", caller)).reset_time - time.time()

    async def tokens(self, caller: str, limit: int, cost: int) -> float | None:
        item = RateLimitItemPerMinute(limit)
        if await self._fixed.hit(item, "tokens", caller, cost=cost):
            return None
        wait = (await self._fixed.get_window_stats(item, "tokens", caller)).reset_time - time.time()
        if wait > 1:  # what was refused is not counted; in a window about to end it would count for the next one
            await self._fixed.storage.incr(item.key_for("tokens", caller), item.get_expiry(), amount=-cost)
        return wait

    async def left(self, caller: str, name: str, limit: int) -> tuple[int, float]:
        limiter: RateLimiter = self._moving if name == "Requests" else self._fixed
        stats = await limiter.get_window_stats(RateLimitItemPerMinute(limit), name.lower(), caller)
        return max(0, stats.remaining), stats.reset_time

    async def take(self, caller: str, most: int) -> _Slot | None:
        first = random.randrange(most)
        for slot in (*range(first, most), *range(first)):
            if await self._fixed.hit(self._slot, "slot", caller, str(slot)):
                return _Slot(self, caller, slot)
        return None

    async def release(self, slot: _Slot) -> None:
        await self._fixed.clear(self._slot, "slot", slot.caller, str(slot.number))

    async def close(self) -> None:
        if isinstance(self._storage, RedisStorage):
            await self._storage.bridge.storage.aclose()  # type: ignore[attr-defined]


class _SharedStorage(RedisStorage):
    """Redis rounds a time to live to seconds; whoever comes back after that many may be too early."""

    async def get_expiry(self, key: str) -> float:
        client = self.bridge.get_connection()  # type: ignore[attr-defined]
        left: int = await client.pttl(self.bridge.prefixed_key(key))
        return time.time() + max(left, 0) / 1000


def _shared_storage(url: str) -> Storage:
    address = f"async+{shared_store_url(url)}"
    return _SharedStorage(address, implementation="valkey", key_prefix="nli-tagger", **TIMEOUTS)
