"""Limits of a key, counted in memory: what passes, what is refused, and when it is worth coming back."""

import asyncio
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from types import SimpleNamespace

import httpx
import pytest
from fakes import FakeTagger
from hypothesis import given
from hypothesis import strategies as st

from server.auth import EVERY_SCOPE, Caller
from server.errors import RateLimited, ValidationError
from server.limits import Limiter
from server.store.keys import Limits

ADMIN = "the-admin-key"
BODY = {"text": "four words of text", "labels": ["label"], "cache": False}
TOKENS = 5
"""What the body costs with a `FakeTagger`."""


class Clock:
    """Time that passes when a test says so, and a microsecond whenever somebody looks."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def time(self):
        self.now += 1e-6
        return self.now


@asynccontextmanager
async def stopped(lease_seconds=300.0):
    """A limiter and the clock it lives by."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        module = SimpleNamespace(time=clock.time, monotonic=clock.time)
        patch.setattr("server.limits.time", module)
        patch.setattr("limits.aio.storage.memory.time", module)
        yield Limiter(lease_seconds=lease_seconds), clock


def caller(name="key", **limits):
    return Caller(name, EVERY_SCOPE, Limits(**limits))


async def request(limiter, who):
    async with limiter.admit(who):
        pass


async def waits(refusable):
    """None when it passes, otherwise the seconds of Retry-After."""
    try:
        await refusable
    except RateLimited as refusal:
        return int(refusal.headers["Retry-After"])


async def has_to_wait_as_told(clock, ask):
    """Refused until a second before the time that Retry-After says, and let in at that time."""
    if (told := await waits(ask())) is None:
        return
    assert 1 <= told <= 60
    clock.now += told - 1
    if told > 1:
        assert await waits(ask()) == 1
    clock.now += 1
    assert await waits(ask()) is None


def test_requests_over_the_limit_are_refused():
    async def drive():
        async with stopped() as (limiter, _):
            return [await waits(request(limiter, caller(requests_per_minute=3))) for _ in range(5)]

    assert asyncio.run(drive()) == [None, None, None, 60, 60]


def test_tokens_over_the_limit_are_refused_and_not_counted():
    async def drive():
        async with stopped() as (limiter, _):
            who = caller(tokens_per_minute=100)
            return [await waits(limiter.charge(who, cost)) for cost in (60, 50, 100, 40, 1)]

    assert asyncio.run(drive()) == [None, 60, 60, None, 60]


def test_more_tokens_than_a_minute_allows_are_told_to_be_split():
    async def drive():
        async with stopped() as (limiter, _):
            await limiter.charge(caller(tokens_per_minute=1_000), 1_001)

    with pytest.raises(ValidationError, match="1,001 tokens, and this key may use 1,000 a minute; split"):
        asyncio.run(drive())


def test_no_limit_is_no_limit():
    async def drive():
        async with stopped() as (limiter, _), AsyncExitStack() as held:
            for _ in range(100):
                await held.enter_async_context(limiter.admit(caller()))
                await limiter.charge(caller(), 1_000_000_000)
            return await limiter.headers(caller())

    assert asyncio.run(drive()) == {}


PAUSES = st.lists(st.sampled_from([0.0, 0.5, 7.3, 25.0, 59.9, 60.1]) | st.floats(0, 61), min_size=1, max_size=25)


@given(PAUSES, st.integers(1, 4))
def test_retry_after_is_true_for_requests(pauses, limit):
    async def drive():
        async with stopped() as (limiter, clock):
            for pause in pauses:
                clock.now += pause
                await has_to_wait_as_told(clock, lambda: request(limiter, caller(requests_per_minute=limit)))

    asyncio.run(drive())


@given(PAUSES, st.lists(st.integers(1, 100), min_size=25, max_size=25))
def test_retry_after_is_true_for_tokens(pauses, costs):
    async def drive():
        async with stopped() as (limiter, clock):
            for pause, cost in zip(pauses, costs, strict=False):
                clock.now += pause
                await has_to_wait_as_told(clock, lambda cost=cost: limiter.charge(caller(tokens_per_minute=100), cost))

    asyncio.run(drive())


@given(PAUSES, st.integers(1, 4))
def test_no_minute_ever_has_more_requests_than_the_limit(pauses, limit):
    async def drive():
        passed = []
        async with stopped() as (limiter, clock):
            for pause in pauses:
                clock.now += pause
                if await waits(request(limiter, caller(requests_per_minute=limit))) is None:
                    passed.append(clock.now)
        return passed

    passed = asyncio.run(drive())
    assert all(later - earlier >= 60 for earlier, later in zip(passed, passed[limit:], strict=False))


def test_requests_at_the_same_time_are_limited():
    async def drive():
        async with stopped() as (limiter, _):
            who = caller(concurrent=2)
            async with limiter.admit(who):
                async with limiter.admit(who):
                    full = await waits(request(limiter, who))
                free = await waits(request(limiter, who))
            return full, free

    assert asyncio.run(drive()) == (1, None)


def test_what_is_refused_for_being_at_the_same_time_is_not_counted_as_a_request():
    async def drive():
        async with stopped() as (limiter, _):
            who = caller(concurrent=1, requests_per_minute=2)
            async with limiter.admit(who):
                refused = [await waits(request(limiter, who)) for _ in range(5)]
            return refused, await waits(request(limiter, who))

    assert asyncio.run(drive()) == ([1] * 5, None)


@pytest.mark.parametrize("ending", [ValueError, asyncio.CancelledError, KeyboardInterrupt])
def test_a_slot_is_given_back_however_the_work_ends(ending):
    async def drive():
        async with stopped() as (limiter, _):
            who = caller(concurrent=1)
            with suppress(ending):
                async with limiter.admit(who):
                    raise ending
            return await waits(request(limiter, who))

    assert asyncio.run(drive()) is None


def test_a_slot_is_given_back_when_a_request_is_one_too_many():
    async def drive():
        async with stopped() as (limiter, clock):
            who = caller(concurrent=1, requests_per_minute=1)
            told = [await waits(request(limiter, who)) for _ in range(3)]
            clock.now += 61
            return told, await waits(request(limiter, who))

    assert asyncio.run(drive()) == ([None, 60, 60], None)


def test_a_slot_that_is_never_given_back_is_free_when_its_time_is_over():
    async def drive():
        async with stopped(lease_seconds=5) as (limiter, clock):
            who = caller(concurrent=1)
            lost = limiter.admit(who)
            await lost.__aenter__()
            told = []
            for seconds in (4, 4, 8):
                clock.now += seconds
                told.append(await waits(request(limiter, who)))
            return told

    assert asyncio.run(drive()) == [1, 1, None]


def test_never_more_at_the_same_time_than_the_limit():
    async def drive():
        limiter, working, most = Limiter(), 0, 0

        async def work(number):
            nonlocal working, most
            await asyncio.sleep(number % 7 / 1_000)
            async with limiter.admit(caller(concurrent=3)):
                working += 1
                most = max(most, working)
                await asyncio.sleep(0.002)
                working -= 1

        outcomes = await asyncio.gather(*map(work, range(200)), return_exceptions=True)
        return most, {type(outcome) for outcome in outcomes}

    assert asyncio.run(drive()) == (3, {type(None), RateLimited})


def test_keys_do_not_share_their_limits():
    async def drive():
        async with stopped() as (limiter, _), AsyncExitStack() as held:
            for name in ("one", "other"):
                who = caller(name, requests_per_minute=1, tokens_per_minute=10, concurrent=1)
                await held.enter_async_context(limiter.admit(who))
                await limiter.charge(who, 10)

    asyncio.run(drive())


def test_the_headers_tell_limits_what_is_left_and_when_there_is_more():
    async def drive():
        async with stopped() as (limiter, clock):
            who = caller(requests_per_minute=3, tokens_per_minute=100, concurrent=1)
            await request(limiter, who)
            await limiter.charge(who, 30)
            headers = await limiter.headers(who)
            clock.now += 61
            return headers, clock.now, await limiter.headers(who)

    headers, minute_later, later = asyncio.run(drive())
    reset = int(headers.pop("X-RateLimit-Reset"))
    assert headers == {
        "X-RateLimit-Limit-Requests": "3",
        "X-RateLimit-Remaining-Requests": "2",
        "X-RateLimit-Limit-Tokens": "100",
        "X-RateLimit-Remaining-Tokens": "70",
    }
    assert -1 <= minute_later - reset <= 1
    assert (later["X-RateLimit-Remaining-Requests"], later["X-RateLimit-Remaining-Tokens"]) == ("3", "100")


# over HTTP


class Client:
    """Requests to a server with a key."""

    def __init__(self, server, key):
        self.server, self.headers = server, {"Authorization": f"Bearer {key}"}

    def post(self, path="/v1/tag", **body):
        return self.server.client.post(path, json=body or BODY, headers=self.headers)

    def statuses(self, count):
        return [self.post().status_code for _ in range(count)]


@pytest.fixture
def limited(serve):
    """`with limited(requests_per_minute=3) as make_key: client = make_key(concurrent=1)`."""

    @contextmanager
    def start(tagger=None, **settings):
        with serve(tagger=tagger or FakeTagger(), admin_keys=[ADMIN], **settings) as server:
            admin = Client(server, ADMIN)
            yield lambda **own: Client(server, admin.post("/v1/keys", name="limited", **own).json()["key"])

    return start


@pytest.fixture
def stuck():
    """A tagger that holds every text until its gate is opened."""
    tagger = FakeTagger()
    tagger.gate.clear()
    yield tagger
    tagger.gate.set()


def test_a_key_without_limits_has_those_of_the_settings(limited):
    with limited(requests_per_minute=2) as make_key:
        assert make_key().statuses(3) == [200, 200, 429]


def test_limits_of_a_key_go_before_those_of_the_settings(limited):
    with limited(requests_per_minute=2, tokens_per_minute=TOKENS) as make_key:
        generous = {"requests_per_minute": 4, "tokens_per_minute": 1_000}
        assert make_key(**generous).statuses(5) == [200, 200, 200, 200, 429]
        assert make_key(requests_per_minute=1, tokens_per_minute=1_000).statuses(2) == [200, 429]
        assert make_key(requests_per_minute=4).statuses(2) == [200, 429]


def test_keys_of_the_settings_and_callers_without_a_key_have_limits_too(serve):
    with serve(tagger=FakeTagger(), api_keys=["k"], requests_per_minute=1) as server:
        assert Client(server, "k").statuses(2) == [200, 429]
    with serve(tagger=FakeTagger(), auth="off", requests_per_minute=1) as server:
        assert [server.tag(**BODY).status_code for _ in range(2)] == [200, 429]


def test_two_keys_do_not_share_a_limit(limited):
    with limited(requests_per_minute=1) as make_key:
        assert [make_key().statuses(2) for _ in range(2)] == [[200, 429]] * 2


def test_only_scoring_is_counted(limited):
    with limited(requests_per_minute=1) as make_key:
        key = make_key()
        shown = [key.server.client.get("/v1/classifiers", headers=key.headers).status_code for _ in range(3)]
        assert (shown, key.statuses(2)) == ([200] * 3, [200, 429])


def test_a_batch_is_one_request(limited):
    with limited(requests_per_minute=2) as make_key:
        key = make_key()
        batch = {"texts": ["one", "two", "three"], "labels": ["label"]}
        assert key.post("/v1/tag/batch", **batch).headers["x-ratelimit-remaining-requests"] == "1"


def test_a_refusal_says_what_the_limit_is_and_when_to_come_back(limited, error_of):
    with limited(requests_per_minute=1) as make_key:
        key = make_key()
        answered, refused = key.post(), key.post()
    body = error_of(refused)
    assert (refused.status_code, body["code"]) == (429, "RATE_LIMITED")
    wait = refused.headers["retry-after"]
    assert 1 <= int(wait) <= 60
    assert body["message"] == f"This key may use 1 requests a minute; try again in {wait} s."
    shown = {name: value for name, value in refused.headers.items() if name.startswith("x-ratelimit")}
    assert shown == {name: value for name, value in answered.headers.items() if name.startswith("x-ratelimit")}
    assert (shown["x-ratelimit-limit-requests"], shown["x-ratelimit-remaining-requests"]) == ("1", "0")
    assert abs(int(shown["x-ratelimit-reset"]) - time.time() - int(wait)) < 30


def test_without_limits_there_are_no_headers_about_them(limited):
    with limited() as make_key:
        assert not re.search("ratelimit|retry", str(make_key().post().headers).lower())


def test_tokens_are_charged_before_anything_is_computed(limited):
    tagger = FakeTagger()
    with limited(tagger) as make_key:
        key = make_key(tokens_per_minute=2 * TOKENS - 1)
        assert key.statuses(2) == [200, 429]
        assert len(tagger.computed) == 1
        assert key.post().headers["x-ratelimit-remaining-tokens"] == str(TOKENS - 1)


def test_a_text_of_more_tokens_than_a_minute_allows_is_422(limited, error_of):
    tagger = FakeTagger()
    with limited(tagger) as make_key:
        assert error_of(make_key(tokens_per_minute=TOKENS - 1).post())["code"] == "VALIDATION_ERROR"
    assert tagger.computed == []


def test_what_is_in_the_cache_is_free(limited):
    known = BODY | {"cache": True}
    with limited() as make_key:
        key = make_key(requests_per_minute=1, tokens_per_minute=TOKENS, concurrent=1)
        answers = [key.post(**known) for _ in range(5)]
        assert key.statuses(1) == [429]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", *["HIT"] * 4]
    assert {answer.headers["x-ratelimit-remaining-requests"] for answer in answers} == {"0"}
    assert {answer.headers["x-ratelimit-remaining-tokens"] for answer in answers} == {"0"}


def test_more_requests_at_the_same_time_than_allowed_are_refused(limited, stuck, until):
    with limited(stuck) as make_key, ThreadPoolExecutor(10) as clients:
        key = make_key(concurrent=3)
        answers = [clients.submit(key.post) for _ in range(10)]
        until(lambda: sum(answer.done() for answer in answers) == 7)
        refused = [answer.result() for answer in answers if answer.done()]
        stuck.gate.set()
        statuses = sorted(answer.result().status_code for answer in answers)
        assert key.statuses(1) == [200]
    assert statuses == [200] * 3 + [429] * 7
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert stuck.most <= 3


def test_the_limit_of_requests_at_the_same_time_comes_from_the_settings_too(limited, stuck, until):
    with limited(stuck, concurrent=1) as make_key, ThreadPoolExecutor(1) as clients:
        key = make_key()
        working = clients.submit(key.post)
        until(lambda: stuck.working)
        assert key.statuses(1) == [429]
        stuck.gate.set()
        assert working.result().status_code == 200


def test_a_slot_is_free_again_after_a_refused_text_a_failure_and_a_client_that_went_away(limited, until):
    tagger = FakeTagger()
    with limited(tagger) as make_key:
        key = make_key(concurrent=1)
        assert key.post(text=" ", labels=["a"]).status_code == 422
        tagger.error = RuntimeError()
        assert key.statuses(1) == [500]
        tagger.error = None
        tagger.gate.clear()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{key.server.url}/v1/tag", json=BODY, headers=key.headers, timeout=1, trust_env=False)
        tagger.gate.set()
        until(lambda: key.statuses(1) == [200])


def test_sixty_four_clients_of_one_key_never_get_more_than_its_limit(limited):
    with limited() as make_key, ThreadPoolExecutor(64) as clients:
        key = make_key(requests_per_minute=100)
        started = time.monotonic()
        answers = list(clients.map(lambda _: key.post().status_code, range(200)))
        assert time.monotonic() - started < 60
    assert Counter(answers) == {200: 100, 429: 100}
