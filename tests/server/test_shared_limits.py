"""Limits that several servers count together in Redis, and what becomes of them when Redis goes away."""

import asyncio
import itertools
import signal
import time
from collections import Counter
from contextlib import ExitStack, asynccontextmanager, contextmanager

import httpx
import pytest
import valkey
from fakes import FakeTagger
from limits import RateLimitItemPerSecond

from server import limits as module
from server.auth import EVERY_SCOPE, Caller
from server.errors import RateLimited
from server.limits import Limiter
from server.store.keys import Limits

KEY = "a-key"
HEADERS = {"Authorization": f"Bearer {KEY}"}
BODY = {"text": "a few words", "labels": ["a"], "cache": False}


def caller(**limits):
    return Caller("key", EVERY_SCOPE, Limits(**limits))


@asynccontextmanager
async def limiters(url, count=2, **options):
    """One for each server."""
    made = [Limiter(url, **options) for _ in range(count)]
    try:
        yield made
    finally:
        for limiter in made:
            await limiter.close()


async def request(limiter, who):
    async with limiter.admit(who):
        pass


async def waits(refusable):
    """None when it passes, otherwise the seconds of Retry-After."""
    try:
        await refusable
    except RateLimited as refusal:
        return int(refusal.headers["Retry-After"])


@pytest.fixture
def slots(redis_url):
    """`slots()` is how many slots are taken in Redis."""
    with valkey.Valkey.from_url(redis_url.replace("redis", "valkey", 1)) as client:
        yield lambda: len(client.keys("nli-tagger:*slot*"))


@pytest.fixture
def trying_always(monkeypatch):
    """Redis is asked again at once after a failure."""
    monkeypatch.setattr(module, "_SHARED_AGAIN_SECONDS", 0.0)


# limiters


def test_requests_are_counted_together(redis_url):
    async def drive():
        async with limiters(redis_url) as (one, other):
            return [await waits(request(limiter, caller(requests_per_minute=3))) for limiter in (one, other) * 3]

    told = asyncio.run(drive())
    assert told[:3] == [None] * 3
    assert all(1 <= wait <= 60 for wait in told[3:])


def test_tokens_are_counted_together_and_none_that_are_refused(redis_url):
    async def drive():
        async with limiters(redis_url) as both:
            who, costs = caller(tokens_per_minute=100), (60, 50, 100, 40, 1)
            asked = zip(itertools.cycle(both), costs, strict=False)
            told = [await waits(limiter.charge(who, cost)) for limiter, cost in asked]
            return told, [(await limiter.headers(who))["X-RateLimit-Remaining-Tokens"] for limiter in both]

    told, left = asyncio.run(drive())
    assert [wait is None for wait in told] == [True, False, False, True, False]
    assert left == ["0", "0"]


def test_requests_at_the_same_time_are_counted_together(redis_url, slots):
    async def drive():
        async with limiters(redis_url) as (one, other):
            who = caller(concurrent=2)
            async with one.admit(who), other.admit(who):
                full, taken = [await waits(request(limiter, who)) for limiter in (one, other)], slots()
            return full, taken, slots(), await waits(request(one, who))

    assert asyncio.run(drive()) == ([1, 1], 2, 0, None)


def test_there_are_never_more_at_the_same_time_than_the_limit(redis_url):
    async def drive():
        working = most = 0

        async def work(limiter, number):
            nonlocal working, most
            await asyncio.sleep(number % 7 / 100)
            async with limiter.admit(caller(concurrent=3)):
                working += 1
                most = max(most, working)
                await asyncio.sleep(0.1)
                working -= 1

        async with limiters(redis_url) as both:
            work_of_both = [work(both[number % 2], number) for number in range(100)]
            outcomes = await asyncio.gather(*work_of_both, return_exceptions=True)
        return most, {type(outcome) for outcome in outcomes}

    assert asyncio.run(drive()) == (3, {type(None), RateLimited})


KINDS = {
    "tokens": (caller(tokens_per_minute=100), lambda limiter, who: limiter.charge(who, 60)),
    "requests": (caller(requests_per_minute=1), request),
}


@pytest.mark.parametrize(("who", "ask"), KINDS.values(), ids=KINDS)
def test_retry_after_is_true(redis_url, monkeypatch, who, ask):
    """A minute has two seconds here. Redis itself would round what is left of it, to one second for 1.3."""
    monkeypatch.setattr(module, "RateLimitItemPerMinute", lambda limit: RateLimitItemPerSecond(limit, 2))

    async def drive():
        async with limiters(redis_url) as (one, other):
            began = time.monotonic()
            assert await waits(ask(one, who)) is None
            await asyncio.sleep(0.7)
            told = await waits(ask(other, who))
            answered = time.monotonic()
            await asyncio.sleep(max(0, told - 1))
            early = await waits(ask(one, who)) or time.monotonic() - began > 2
            await asyncio.sleep(max(0, answered + told - time.monotonic()))
            return early, await waits(ask(other, who))

    early, in_time = asyncio.run(drive())
    assert early
    assert in_time is None


def test_a_slot_of_a_server_that_died_is_free_when_its_time_is_over(redis_url):
    async def drive():
        async with limiters(redis_url, lease_seconds=-8) as (dead, living):  # ten seconds are added to it
            who = caller(concurrent=1)
            lost = dead.admit(who)
            await lost.__aenter__()
            at_once = await waits(request(living, who))
            await asyncio.sleep(2.1)
            return at_once, await waits(request(living, who))

    assert asyncio.run(drive()) == (1, None)


def test_a_slot_that_was_given_while_the_client_went_away_is_given_back(redis_url, monkeypatch, slots):
    take, given = module._Counters.take, asyncio.Event()

    async def slowly(self, who, most):
        slot = await take(self, who, most)
        given.set()
        await asyncio.sleep(0.1)
        return slot

    monkeypatch.setattr(module._Counters, "take", slowly)

    async def drive():
        async with limiters(redis_url, 1) as [limiter]:
            going = asyncio.create_task(request(limiter, caller(concurrent=1)))
            await given.wait()
            taken = slots()
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            return taken, slots()

    assert asyncio.run(drive()) == (1, 0)


def test_a_slot_goes_back_to_where_it_came_from(redis_url, redis_server, trying_always, slots):
    async def drive():
        who = caller(concurrent=1)
        async with limiters(redis_url) as (one, other):
            redis_server.stop()
            async with one.admit(who):
                by_itself = await waits(request(one, who))
                redis_server.start()
                held = other.admit(who)
                await held.__aenter__()
            still_held = slots()
            redis_server.stop()
            return by_itself, still_held, await waits(request(one, who))

    assert asyncio.run(drive()) == (1, 1, None)


def test_a_slot_that_cannot_be_given_back_is_no_error(redis_url, redis_server):
    async def drive():
        async with limiters(redis_url, 1) as [limiter], limiter.admit(caller(concurrent=1)):
            redis_server.stop()

    asyncio.run(drive())


# servers in this process


class Pair:
    """Two servers that share Redis."""

    def __init__(self, servers):
        self.servers = servers

    def post(self, place, **body):
        client = self.servers[place].client
        return client.post("/v1/tag", json=BODY | body, headers=HEADERS)

    def statuses(self, *places):
        return [self.post(place).status_code for place in places]


@pytest.fixture
def pair(serve, redis_url):
    @contextmanager
    def start(tagger=None, **limits):
        options = {"tagger": tagger or FakeTagger(), "api_keys": [KEY], "valkey": redis_url} | limits
        with ExitStack() as stack:
            yield Pair([stack.enter_context(serve(**options)) for _ in range(2)])

    return start


def test_two_servers_count_together(pair):
    with pair(requests_per_minute=3) as both:
        assert both.statuses(0, 1, 0, 1, 0) == [200, 200, 200, 429, 429]


def test_the_headers_of_two_servers_agree(pair):
    with pair(requests_per_minute=10, tokens_per_minute=100) as both:
        left = [both.post(place).headers for place in (0, 1, 0)]
    assert [headers["x-ratelimit-remaining-requests"] for headers in left] == ["9", "8", "7"]
    assert [headers["x-ratelimit-remaining-tokens"] for headers in left] == ["96", "92", "88"]


def test_while_redis_is_down_each_server_counts_by_itself(pair, redis_server, trying_always):
    with pair(requests_per_minute=2) as both:
        assert both.statuses(0, 1, 0) == [200, 200, 429]
        redis_server.stop()
        assert both.statuses(0, 1, 0, 1, 0, 1) == [200, 200, 200, 200, 429, 429]
        redis_server.start()
        assert both.statuses(0, 1, 0, 1) == [200, 200, 429, 429]


def test_a_server_starts_and_counts_while_redis_is_down(pair, redis_server):
    redis_server.stop()
    with pair(requests_per_minute=1, tokens_per_minute=100, concurrent=1) as both:
        assert both.statuses(0, 1, 0, 1) == [200, 200, 429, 429]


def test_redis_that_does_not_answer_delays_a_request_for_seconds_at_most(pair, redis_server):
    with pair(requests_per_minute=5, tokens_per_minute=100, concurrent=1) as both:
        redis_server.process.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            assert both.statuses(*[0] * 7) == [200] * 5 + [429] * 2
            assert time.monotonic() - started < 6
        finally:
            redis_server.process.send_signal(signal.SIGCONT)


def test_clients_that_go_away_at_once_leave_no_slot_taken(pair, slots, until):
    with pair(concurrent=3) as both:
        for number in range(40):
            leave_after(number / 2_000, both.servers[number % 2].url)
        until(lambda: slots() == 0)
        assert both.statuses(0, 1) == [200, 200]


def leave_after(seconds, url):
    async def drive():
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            sending = asyncio.create_task(client.post("/v1/tag", json=BODY, headers=HEADERS))
            await asyncio.wait([sending], timeout=seconds)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    asyncio.run(drive())


# servers in processes of their own


@pytest.fixture
def processes(start_command, redis_url):
    """`with processes(2, NLI_TAGGER_CONCURRENT="3") as urls: ...`"""

    @contextmanager
    def start(count, **environment):
        environment |= {"NLI_TAGGER_API_KEYS": KEY, "NLI_TAGGER_VALKEY": redis_url}
        with ExitStack() as stack:
            yield [stack.enter_context(start_command("--port", "0", **environment)).url for _ in range(count)]

    return start


async def crowd(urls, clients, requests_each):
    """(sent, answered, response) of every request; each client goes to one of the servers."""

    async def visit(client, number):
        answered = []
        for _ in range(requests_each):
            sent = time.monotonic()
            response = await client.post(f"{urls[number % len(urls)]}/v1/tag", json=BODY, headers=HEADERS)
            answered.append((sent, time.monotonic(), response))
        return answered

    many = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(timeout=120, trust_env=False, limits=many) as client:
        return list(itertools.chain(*await asyncio.gather(*(visit(client, number) for number in range(clients)))))


@pytest.mark.parametrize("servers", [1, 2])
def test_64_clients_of_one_key_never_get_more_than_600_requests_in_a_minute(processes, servers):
    with processes(servers, NLI_TAGGER_REQUESTS_PER_MINUTE="600") as urls:
        answered = asyncio.run(crowd(urls, 64, 11))
    passed = [(sent, seen) for sent, seen, response in answered if response.status_code == 200]
    refused = [response for *_, response in answered if response.status_code == 429]
    assert len(passed) + len(refused) == 64 * 11
    assert all(1 <= int(response.headers["retry-after"]) <= 60 for response in refused)
    for start, _ in passed:  # what was sent after `start` and answered within a minute was let in within that minute
        assert sum(start <= sent and seen <= start + 60 for sent, seen in passed) <= 600
    assert len(passed) >= 600


NOTING = """
import time
from nli_tagger import Tagger

compute = Tagger.score_steps

def noted(self, reading):
    note(+1)
    try:
        time.sleep(0.05)
        return (yield from compute(self, reading))
    finally:
        note(-1)

def note(change):
    with open({path!r}, "a") as notes:
        notes.write(f"{{time.monotonic()}} {{change}}\\n")

Tagger.score_steps = noted
"""
"""Run by every server before it starts: writes down when it begins and ends to work on a text."""


@pytest.fixture
def noting(tmp_path):
    """The environment of servers that note what they do, and the most texts that were in work at once."""
    notes = tmp_path / "notes"
    (tmp_path / "sitecustomize.py").write_text(NOTING.format(path=str(notes)))

    def most():
        changes = sorted((float(at), int(change)) for at, change in map(str.split, notes.read_text().splitlines()))
        return max(itertools.accumulate(change for _, change in changes))

    return {"PYTHONPATH": str(tmp_path), "NLI_TAGGER_WORKERS": "4"}, most


def test_two_processes_never_work_on_more_at_the_same_time_than_the_limit(processes, noting):
    environment, most = noting
    with processes(2, NLI_TAGGER_CONCURRENT="3", **environment) as urls:
        answered = asyncio.run(crowd(urls, 24, 8))
    assert set(Counter(response.status_code for *_, response in answered)) == {200, 429}
    assert most() == 3
