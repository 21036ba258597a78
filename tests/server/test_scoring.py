"""From questions to scores: order, errors, what is charged, and who waits for whom."""

import asyncio
import inspect
import time
from contextlib import asynccontextmanager

import numpy as np
import pytest
from fakes import FakeTagger

from nli_tagger import InputError, LabelSet
from server.auth import EVERY_SCOPE, Caller
from server.cache import ScoreCache
from server.errors import ApiError, DeadlineExceeded, RateLimited, ServerBusy, ValidationError
from server.limits import Limiter
from server.memory_store import BoundedMemoryStore
from server.scheduler import Scheduler
from server.scoring import Question, Scoring
from server.store.keys import Limits

LABELS = LabelSet.of(["a", "b"])


@asynccontextmanager
async def scoring(tagger=None, workers=1, max_waiting=1_000, timeout=30.0):
    async with Scheduler(workers, max_waiting, timeout) as scheduler:
        cache = ScoreCache(BoundedMemoryStore(10_000_000, 10_000), 1_000)
        yield Scoring(tagger or FakeTagger(), scheduler, cache, Limiter())


def asked(lane="batch", use_cache=True, **limits):
    return Question(Caller("key", EVERY_SCOPE, Limits(**limits)), LABELS, "", lane, use_cache)


def logits(answers):
    return [answer.scores.logits.tolist() for answer in answers]


async def left(limits, question, kind):
    return int((await limits.headers(question.caller))[f"X-RateLimit-Remaining-{kind}"])


async def eventually(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_batch_is_answered_in_the_order_of_its_texts(workers):
    async def drive():
        texts = [f"text {number}" for number in range(100)]
        async with scoring(workers=workers) as service:
            together = await service.many(texts, asked())
        async with scoring() as service:
            alone = [await service.one(text, asked()) for text in texts]
        return together, alone

    together, alone = asyncio.run(drive())
    assert logits(together) == logits(alone)
    assert [answer.key for answer in together] == [answer.key for answer in alone]
    assert len({answer.key for answer in alone}) == 100


def test_the_same_text_twice_is_answered_twice():
    async def drive():
        async with scoring() as service:
            return await service.many(["same", "other", "same"], asked())

    first, other, last = logits(asyncio.run(drive()))
    assert first == last != other


def test_a_text_that_cannot_be_read_fails_alone():
    async def drive():
        tagger = FakeTagger()
        async with scoring(tagger) as service:
            return await service.many(["good", " ", "also good", ""], asked()), tagger.computed

    (good, blank, also_good, empty), computed = asyncio.run(drive())
    assert [type(answer) for answer in (blank, empty)] == [InputError] * 2
    assert good.tokens_computed == 3
    assert also_good.tokens_computed == 4
    assert sorted(computed) == ["also good", "good"]


def test_a_batch_that_nobody_can_read_has_errors_only():
    async def drive():
        async with scoring() as service:
            return await service.many(["", " "], asked(tokens_per_minute=1))

    assert [type(answer) for answer in asyncio.run(drive())] == [InputError] * 2


def test_labels_that_cannot_be_read_fail_the_whole_batch():
    class Strict(FakeTagger):
        def read(self, text, labels):
            raise InputError("too long", "descriptions")

    async def drive():
        async with scoring(Strict()) as service:
            await service.many(["a", "b"], asked())

    with pytest.raises(InputError) as refused:
        asyncio.run(drive())
    assert refused.value.field == "descriptions"


def test_one_text_that_cannot_be_read_is_an_error():
    async def drive():
        async with scoring() as service:
            await service.one(" ", asked())

    with pytest.raises(InputError, match="text is empty"):
        asyncio.run(drive())


def test_only_what_is_not_known_is_computed():
    async def drive():
        tagger = FakeTagger()
        async with scoring(tagger) as service:
            known = await service.one("known", asked("fast"))
            answers = await service.many(["new", "known"], asked())
            return known, answers, tagger.computed

    known, (new, again), computed = asyncio.run(drive())
    assert computed == ["known", "new"]
    assert (new.age, again.age) == (None, 0)
    assert (known.tokens_computed, again.tokens_computed) == (3, 0)
    assert np.array_equal(again.scores.logits, known.scores.logits)


def test_without_the_cache_everything_is_computed_afresh_and_remembered():
    async def drive():
        tagger = FakeTagger()
        async with scoring(tagger) as service:
            for _ in range(2):
                afresh = await service.many(["text"], asked(use_cache=False))
            return afresh, await service.one("text", asked()), tagger.computed

    [afresh], remembered, computed = asyncio.run(drive())
    assert computed == ["text", "text"]
    assert (afresh.age, remembered.age) == (None, 0)


def test_a_batch_is_one_request_and_costs_the_tokens_of_what_is_not_known():
    async def drive():
        question = asked(requests_per_minute=10, tokens_per_minute=100)
        async with scoring() as service:
            for texts in (["one", "two words"], ["two words", "now three words"], ["one"]):
                await service.many(texts, question)
            return [await left(service.limiter, question, kind) for kind in ("Requests", "Tokens")]

    assert asyncio.run(drive()) == [10 - 2, 100 - (3 + 4) - 5]


def test_a_batch_is_charged_before_its_first_text_is_computed():
    async def drive():
        tagger, question = FakeTagger(), asked(tokens_per_minute=10)
        async with scoring(tagger) as service:
            await service.one("first", question)
            with pytest.raises(RateLimited):
                await service.many(["second", "third", "fourth"], question)
            return tagger.computed, await left(service.limiter, question, "Tokens")

    assert asyncio.run(drive()) == (["first"], 10 - 3)


def test_a_batch_of_more_than_a_minute_allows_is_told_to_be_split():
    async def drive():
        async with scoring() as service:
            await service.many(["text"] * 4, asked(tokens_per_minute=11))

    with pytest.raises(ValidationError, match=r"12 tokens.*11 a minute.*split"):
        asyncio.run(drive())


class NotedScheduler(Scheduler):
    """Two workers. Keeps the jobs it is given, and is full after `most` of them."""

    def __init__(self, most=1_000, timeout=30.0):
        super().__init__(2, 1_000, timeout)
        self.jobs, self.most = [], most

    async def run(self, job, lane="standard"):
        if len(self.jobs) == self.most:
            raise ServerBusy("full")
        self.jobs.append(job)
        return await super().run(job, lane)

    def is_done(self):
        return all(inspect.getgeneratorstate(job) == inspect.GEN_CLOSED for job in self.jobs)


def refused(tagger, **bounds):
    """The type of what a batch of 50 texts raises, and the number of its jobs, none of which goes on."""

    async def drive():
        async with NotedScheduler(**bounds) as scheduler:
            service = Scoring(tagger, scheduler, ScoreCache(None, 1), Limiter())
            with pytest.raises((ApiError, RuntimeError)) as raised:
                await service.many([f"text {number}" for number in range(50)], asked())
            await eventually(scheduler.is_done)
            return raised.type, len(scheduler.jobs)

    return asyncio.run(drive())


@pytest.fixture
def stuck():
    """A tagger that never finishes a text."""
    tagger = FakeTagger()
    tagger.gate.clear()
    return tagger


def test_a_full_queue_ends_the_whole_batch(stuck):
    assert refused(stuck, most=4) == (ServerBusy, 4)
    assert stuck.working == 0


def test_the_deadline_ends_the_whole_batch(stuck):
    error, jobs = refused(stuck, timeout=0.5)
    assert error is DeadlineExceeded
    assert jobs <= 1 + 2 * 2
    assert stuck.working == 0


def test_a_failure_of_the_model_ends_the_whole_batch():
    broken = FakeTagger()
    broken.error = RuntimeError("broken")
    error, jobs = refused(broken)
    assert error is RuntimeError
    assert jobs < 20


def test_a_client_that_gives_up_ends_the_whole_batch(stuck):
    async def drive():
        async with NotedScheduler() as scheduler:
            service = Scoring(stuck, scheduler, ScoreCache(None, 1), Limiter())
            batch = asyncio.create_task(service.many(["text"] * 50, asked()))
            await eventually(lambda: stuck.working)
            batch.cancel()
            await eventually(scheduler.is_done)

    asyncio.run(drive())
    assert stuck.working == 0


def test_the_deadline_is_that_of_the_request_and_not_of_each_text():
    class Slow(FakeTagger):
        def score_steps(self, reading):
            time.sleep(0.05)
            return (yield from super().score_steps(reading))

    async def drive():
        async with scoring(Slow(), timeout=0.5) as service:
            await service.many([f"text {number}" for number in range(100)], asked())

    with pytest.raises(DeadlineExceeded):
        asyncio.run(drive())


def test_a_fast_text_is_answered_before_a_batch_ends():
    async def drive():
        async with scoring(FakeTagger()) as service:
            batch = asyncio.create_task(service.many([f"text {number}" for number in range(300)], asked()))
            await eventually(lambda: len(service.tagger.computed) >= 10)
            await service.one("urgent", asked("fast"))
            computed = len(service.tagger.computed)
            assert len(await batch) == 300
            return computed

    assert asyncio.run(drive()) < 100
