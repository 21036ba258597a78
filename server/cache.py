"""Answers computed before: all scores of a text, so that every threshold is served from one entry."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import structlog
from litestar.stores.base import Store

from nli_tagger import LabelSet
from nli_tagger.tagger import Scores

log = structlog.get_logger("server")

_AGAIN_SECONDS = 5.0


class _Entry(msgspec.Struct):
    """What is stored: logits by label. `at` is Unix time in seconds."""

    at: float
    tokens: int
    logits: dict[str, float]


@dataclass(frozen=True)
class CachedScores:
    """Scores in the order of the labels asked, and their age in seconds."""

    scores: Scores
    age: int


class ScoreCache:
    """Scores by key in a Litestar store, for `ttl` seconds. A store that fails is a miss, and is left alone a while."""

    def __init__(self, store: Store | None, ttl: int) -> None:
        self._store, self._ttl = store, ttl
        self._again_at = 0.0

    async def get(self, key: str, labels: LabelSet) -> CachedScores | None:
        """What is remembered under the key."""
        data = await self._ask(lambda store: store.get(key))
        if data is None:
            return None
        try:
            entry = msgspec.msgpack.decode(data, type=_Entry)
            logits = np.array([entry.logits[name.strip()] for name in labels.names], np.float32)
            return CachedScores(Scores(logits, entry.tokens), max(0, int(time.time() - entry.at)))
        except (msgspec.MsgspecError, KeyError, ValueError, OverflowError):  # something else wrote it
            return None

    async def put(self, key: str, labels: LabelSet, scores: Scores) -> None:
        """Remembers scores under the key."""
        logits = {name.strip(): float(logit) for name, logit in zip(labels.names, scores.logits, strict=True)}
        data = msgspec.msgpack.encode(_Entry(time.time(), scores.tokens, logits))
        await self._ask(lambda store: store.set(key, data, expires_in=self._ttl))

    async def _ask(self, question: Callable[[Store], Awaitable[bytes | None]]) -> bytes | None:
        if self._store is None or time.monotonic() < self._again_at:
            return None
        try:
            return await question(self._store)
        except Exception as error:  # whatever the client raises: the answer is computed instead
            log.warning("cache unavailable", error=type(error).__name__)
            self._again_at = time.monotonic() + _AGAIN_SECONDS
            return None
