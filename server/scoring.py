"""From a question to scores: cache, limits, and the queue of the model."""

import asyncio
from collections.abc import Coroutine, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nli_tagger import InputError, LabelSet, Tagger
from nli_tagger.tagger import Reading, Scores
from server.auth import Caller
from server.cache import ScoreCache
from server.cache_key import cache_key
from server.limits import Limiter
from server.scheduler import Lane, Scheduler

_TEXTS_A_STEP = 32


@dataclass(frozen=True)
class Question:
    """What is asked of every text: by whom, which labels, how urgently, and whether old answers will do.

    `version` is the id of a saved version, "" for labels sent inline.
    """

    caller: Caller
    labels: LabelSet
    version: str = ""
    lane: Lane = "standard"
    use_cache: bool = True


@dataclass(frozen=True)
class Answer:
    """Scores of one text. `age` in seconds is None when they were computed for this request."""

    scores: Scores
    key: str
    age: int | None = None

    @property
    def tokens_computed(self) -> int:
        """A cached answer is free."""
        return self.scores.tokens if self.age is None else 0


class Scoring:
    """Answers questions; what is in the cache costs neither limits nor time."""

    def __init__(self, tagger: Tagger, scheduler: Scheduler, cache: ScoreCache, limiter: Limiter) -> None:
        self.tagger, self.scheduler, self.cache, self.limiter = tagger, scheduler, cache, limiter

    async def one(self, text: str, question: Question) -> Answer:
        """Raises `InputError`, `RateLimited`, `ServerBusy` or `DeadlineExceeded`."""
        key = self._key(text, question)
        known = await self._remembered(key, question)
        if known is not None:
            return known
        async with self.scheduler.deadline(), self.limiter.admit(question.caller):
            [reading] = await self.scheduler.run(_read(self.tagger, [text], question.labels), question.lane)
            if isinstance(reading, InputError):
                raise reading
            await self.limiter.charge(question.caller, reading.tokens)
            return await self._compute(key, reading, question)

    async def many(self, texts: Sequence[str], question: Question) -> list[Answer | InputError]:
        """One answer a text, in order; a text that cannot be read has its error in its place.

        Counts as one request, and is charged for all its tokens before the first text is computed.
        """
        keys = [self._key(text, question) for text in texts]
        results: dict[int, Answer | InputError | None] = {
            place: await self._remembered(key, question) for place, key in enumerate(keys)
        }
        missing = [place for place, known in results.items() if known is None]
        if missing:
            async with self.scheduler.deadline(), self.limiter.admit(question.caller):
                reading = _read(self.tagger, [texts[place] for place in missing], question.labels)
                readings = dict(zip(missing, await self.scheduler.run(reading, question.lane), strict=True))
                await self.limiter.charge(question.caller, sum(_tokens(r) for r in readings.values()))
                results |= await self._compute_all(keys, readings, question)
        return [results[place] for place in range(len(texts))]  # type: ignore[misc]

    async def _compute_all(
        self, keys: list[str], readings: dict[int, Reading | InputError], question: Question
    ) -> dict[int, Answer | InputError]:
        """A few texts at a time, so that a batch does not fill the queue and shut others out."""
        results: dict[int, Answer | InputError] = {}
        todo = iter(readings.items())

        async def work() -> None:
            for place, reading in todo:
                if isinstance(reading, InputError):
                    results[place] = reading
                else:
                    results[place] = await self._compute(keys[place], reading, question)

        await _together(work() for _ in range(2 * self.scheduler.workers))
        return results

    async def _compute(self, key: str, reading: Reading, question: Question) -> Answer:
        scores = await self.scheduler.run(self.tagger.score_steps(reading), question.lane)
        await self.cache.put(key, question.labels, scores)
        return Answer(scores, key)

    async def _remembered(self, key: str, question: Question) -> Answer | None:
        found = await self.cache.get(key, question.labels) if question.use_cache else None
        return Answer(found.scores, key, found.age) if found else None

    def _key(self, text: str, question: Question) -> str:
        return cache_key(self.tagger.bundle.digest, question.labels, question.version, text)


def _read(tagger: Tagger, texts: Sequence[str], labels: LabelSet) -> Generator[None, None, list[Reading | InputError]]:
    """Tokenises, some texts a step. A label that cannot be read fails all."""
    readings: list[Reading | InputError] = []
    for place, text in enumerate(texts):
        if place and place % _TEXTS_A_STEP == 0:
            yield
        try:
            readings.append(tagger.read(text, labels))
        except InputError as error:
            if error.field != "text":
                raise
            readings.append(error)
    return readings


def _tokens(reading: Reading | InputError) -> int:
    return 0 if isinstance(reading, InputError) else reading.tokens


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Runs all; the first error ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in work:
                group.create_task(coroutine)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
