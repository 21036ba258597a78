"""Answers computed before: which are given again, for how long, and what becomes of a cache that fails."""

import asyncio
import json
import shutil
import signal
import time
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import valkey
from fakes import FakeTagger, digested
from hypothesis import given
from hypothesis import strategies as st
from support import NEWS, NEWS_LABELS

from nli_tagger import LabelSet, Tagger
from nli_tagger.bundle import default_model
from nli_tagger.tagger import Scores
from server.cache import ScoreCache
from server.memory_store import BoundedMemoryStore

ASKED = {"text": "a text", "labels": ["one", "two"], "threshold": 0}
ENTRIES = "nli-tagger-cache:*"
LABELS = LabelSet.of(["one", "two"])
SCORES = Scores(np.array([1.5, -0.25], np.float32), 7)


def labels(response):
    assert response.status_code == 200
    return response.json()["labels"]


def caching(response):
    """(cached, X-Cache, whether there is an age, X-Tokens-Used) of an answer."""
    headers = response.headers
    return response.json()["cached"], headers["x-cache"], "x-cache-age" in headers, headers["x-tokens-used"]


MISS, HIT = (False, "MISS", False, "4"), (True, "HIT", True, "0")


@pytest.fixture
def fake():
    return FakeTagger()


@pytest.fixture
def cached(serve, fake):
    """A server over a tagger that counts what it computes."""
    with serve(tagger=fake) as server:
        yield server


def test_the_second_time_nothing_is_computed(cached, fake):
    first, second = cached.tag(**ASKED), cached.tag(**ASKED)
    assert (caching(first), caching(second)) == (MISS, HIT)
    assert second.json() | {"latency_ms": 0, "cached": 0} == first.json() | {"latency_ms": 0, "cached": 0}
    assert fake.computed == ["a text"]


def test_a_fresh_answer_can_be_asked_for_and_is_remembered(cached, fake):
    answers = [cached.tag(**ASKED, cache=cache) for cache in (False, False, True, None)]
    assert [caching(answer) for answer in answers] == [MISS, MISS, HIT, HIT]
    assert len(fake.computed) == 2


def test_a_fresh_answer_replaces_the_one_that_was_remembered(cached, fake, until):
    before = cached.tag(**ASKED)
    until(lambda: int(cached.tag(**ASKED).headers["x-cache-age"]) >= 1)
    fake.logit = lambda text, label: digested(label, text)
    fresh = cached.tag(**ASKED, cache=False)
    after = cached.tag(**ASKED)
    assert labels(before) != labels(fresh) == labels(after)
    assert after.headers["x-cache-age"] == "0"


SAME = {
    "threshold": {"threshold": 0.7},
    "priority": {"priority": "fast"},
    "order": {"labels": ["two", "one"]},
    "white space": {"labels": [" one", "two\u00a0"]},
    "unknown field": {"speed": "fast"},
    "empty description": {"descriptions": {"one": "  "}},
    "empty text type": {"text_type": ""},
}
OTHER = {
    "text": {"text": "a text "},
    "fewer labels": {"labels": ["one"]},
    "more labels": {"labels": ["one", "two", "three"]},
    "case": {"labels": ["One", "two"]},
    "description": {"descriptions": {"one": "the first"}},
    "text type": {"text_type": "ticket"},
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_changes_no_score_is_the_same_question(cached, change):
    first, second = cached.tag(**ASKED), cached.tag(**ASKED | change)
    assert caching(second) == HIT
    assert second.headers["x-cache-key"] == first.headers["x-cache-key"]


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_changes_a_score_is_another_question(cached, change):
    first, second = cached.tag(**ASKED), cached.tag(**ASKED | change)
    assert second.headers["x-cache"] == "MISS"
    assert second.headers["x-cache-key"] != first.headers["x-cache-key"]


def test_the_key_is_told_in_16_characters(cached):
    assert [len(cached.tag(**ASKED).headers["x-cache-key"]) for _ in range(2)] == [16, 16]


def test_labels_come_back_as_they_were_sent_this_time(cached):
    cached.tag(**ASKED)
    again = cached.tag(**ASKED | {"labels": ["two ", "  one"]})
    assert {scored["label"] for scored in labels(again)} == {"two ", "  one"}


def test_equal_confidences_keep_the_order_asked_this_time(cached, fake):
    fake.logit = lambda text, label: 0.0
    cached.tag(**ASKED)
    again = cached.tag(**ASKED | {"labels": ["two", "one"]})
    assert caching(again) == HIT
    assert [scored["label"] for scored in labels(again)] == ["two", "one"]


def test_tag_and_classify_share_their_answers(cached, fake):
    tagged = cached.tag(**ASKED)
    classified = cached.client.post("/v1/classify", json=ASKED)
    assert caching(classified) == HIT
    assert classified.headers["x-cache-key"] == tagged.headers["x-cache-key"]
    assert classified.json()["label"] == labels(tagged)[0]["label"]
    assert len(fake.computed) == 1


def test_single_texts_and_batches_share_their_answers(cached, fake):
    cached.tag(**ASKED)
    batch = {"texts": ["new", "a text"], "labels": ["one", "two"]}
    answers = [cached.client.post(f"/v1/{kind}/batch", json=batch) for kind in ("tag", "classify")]
    hits = [[item["cache"]["hit"] for item in answer.json()["results"]] for answer in answers]
    assert hits == [[False, True], [True, True]]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT"]
    assert [answer.headers["x-tokens-used"] for answer in answers] == ["3", "0"]
    assert [answer.json()["total_tokens"] for answer in answers] == [7, 7]
    assert all("x-cache-age" in answer.headers and "x-cache-key" not in answer.headers for answer in answers)
    assert fake.computed == ["a text", "new"]


def test_errors_are_not_remembered(cached, fake):
    fake.error = RuntimeError()
    assert [cached.tag(**ASKED).status_code for _ in range(2)] == [500, 500]
    fake.error = None
    assert caching(cached.tag(**ASKED)) == MISS


@pytest.mark.parametrize("first", [0, 0.9])
def test_every_threshold_is_served_from_one_entry(server, first):
    """With the embedded model: what comes from the cache is what computing would have given."""
    body = {"text": f"{NEWS}, {first}", "labels": NEWS_LABELS}
    server.tag(**body, threshold=first)
    for threshold in (0, 0.1, 0.3, 0.5, 0.9, 1):
        remembered = server.tag(**body, threshold=threshold)
        assert remembered.headers["x-cache"] == "HIT"
        assert labels(remembered) == labels(server.tag(**body, threshold=threshold, cache=False))


def test_an_answer_is_forgotten_when_its_time_is_over(serve, fake, until):
    with serve(tagger=fake, cache_ttl=1) as server:
        assert caching(server.tag(**ASKED)) == MISS
        until(lambda: time.sleep(0.3) or caching(server.tag(**ASKED)) == MISS)


@pytest.mark.parametrize("nothing", [{"cache_ttl": 0}, {"cache_bytes": 0}, {"cache_entries": 0}])
def test_the_cache_can_be_turned_off(serve, fake, nothing):
    with serve(tagger=fake, **nothing) as server:
        assert [caching(server.tag(**ASKED)) for _ in range(2)] == [MISS, MISS]


def test_the_oldest_answers_make_room_for_new_ones(serve, fake):
    with serve(tagger=fake, cache_entries=2) as server:
        for text in ("first", "second", "third"):
            server.tag(**ASKED | {"text": text})
        found = [server.tag(**ASKED | {"text": text}).headers["x-cache"] for text in ("third", "second", "first")]
    assert found == ["HIT", "HIT", "MISS"]


def save(server, name, labels):
    response = server.client.post("/v1/classifiers", json={"name": name, "labels": labels})
    assert response.status_code == 201
    return response.json()["classifier"]


def test_classifiers_their_versions_and_inline_labels_never_share_an_answer(cached):
    pinned = [save(cached, name, ["one", "two"]) for name in ("a-name", "another")]
    pinned.append(save(cached, "a-name", ["two", "one"]))
    inline = cached.tag(**ASKED)
    answers = [cached.tag(text="a text", classifier=reference, threshold=0) for reference in pinned]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS"] * 3
    assert len({answer.headers["x-cache-key"] for answer in (inline, *answers)}) == 4


def test_every_name_of_a_version_shares_its_answers(cached):
    save(cached, "a-name", ["one", "two"])
    cached.client.put("/v1/classifiers/a-name/aliases/live", json={"version": 1})
    names = ("a-name", "a-name@v1", "a-name@live")
    assert [cached.tag(text="a text", classifier=name).headers["x-cache"] for name in names] == ["MISS", "HIT", "HIT"]


def test_a_name_that_is_made_again_does_not_get_the_answers_of_the_one_before(cached):
    save(cached, "a-name", ["one", "two"])
    cached.tag(text="a text", classifier="a-name")
    cached.client.delete("/v1/classifiers/a-name")
    save(cached, "a-name", ["one", "two"])
    assert cached.tag(text="a text", classifier="a-name").headers["x-cache"] == "MISS"


# the store


def run(work):
    return asyncio.run(work)


def test_what_is_put_comes_back_with_its_age(monkeypatch):
    now = 1_000.0
    clock = SimpleNamespace(time=lambda: now, monotonic=time.monotonic)
    monkeypatch.setattr("server.cache.time", clock)

    async def drive():
        nonlocal now
        cache = ScoreCache(BoundedMemoryStore(10_000, 10), 60)
        await cache.put("key", LABELS, SCORES)
        now += 12.9
        return await cache.get("key", LabelSet.of(["two", " one"])), await cache.get("other", LABELS)

    found, nothing = run(drive())
    assert (found.scores.logits.tolist(), found.scores.logits.dtype) == ([-0.25, 1.5], np.float32)
    assert (found.scores.tokens, found.age, nothing) == (7, 12, None)


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=2, max_size=2))
def test_logits_come_back_exactly(logits):
    async def drive():
        cache = ScoreCache(BoundedMemoryStore(10_000, 10), 60)
        await cache.put("key", LABELS, Scores(np.array(logits, np.float32), 1))
        return await cache.get("key", LABELS)

    assert run(drive()).scores.logits.tolist() == logits


async def found_in_store(data):
    store = BoundedMemoryStore(100_000, 10)
    await store.set("key", data)
    return await ScoreCache(store, 60).get("key", LABELS)


ENTRY = {"at": 1.0, "tokens": 7, "logits": {"one": 1.5, "two": -0.25}}
GARBAGE = {
    "empty": b"",
    "text": b"garbage",
    "JSON": json.dumps(ENTRY).encode(),
    "cut off": msgspec.msgpack.encode(ENTRY)[:-3],
    "not UTF-8": msgspec.msgpack.encode(ENTRY).replace(b"one", b"\xffne"),
    "label missing": msgspec.msgpack.encode(ENTRY | {"logits": {"one": 1.5}}),
    "field missing": msgspec.msgpack.encode({"at": 1.0, "tokens": 7}),
    "wrong type": msgspec.msgpack.encode(ENTRY | {"logits": {"one": "1.5", "two": 1}}),
    "no time": msgspec.msgpack.encode(ENTRY | {"at": float("nan")}),
    "never": msgspec.msgpack.encode(ENTRY | {"at": float("inf")}),
    "another thing": msgspec.msgpack.encode([1, 2, 3]),
}


def test_an_entry_is_found():
    assert run(found_in_store(msgspec.msgpack.encode(ENTRY))).scores.tokens == 7


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_the_store_is_a_miss(data):
    assert run(found_in_store(data)) is None


@given(st.binary(max_size=60))
def test_any_garbage_is_a_miss(data):
    assert run(found_in_store(data)) is None


class FailingStore(BoundedMemoryStore):
    """Fails while it is `down`, and counts how often it was asked."""

    def __init__(self):
        super().__init__(10_000, 10)
        self.down, self.asked = True, 0

    async def get(self, key, renew_for=None):
        self._ask()
        return await super().get(key, renew_for)

    async def set(self, key, value, expires_in=None):
        self._ask()
        await super().set(key, value, expires_in)

    def _ask(self):
        self.asked += 1
        if self.down:
            raise OSError("down")


def test_a_store_that_fails_is_a_miss_and_is_left_alone_a_while(monkeypatch):
    now = 1_000.0
    monkeypatch.setattr("server.cache.time", SimpleNamespace(time=time.time, monotonic=lambda: now))

    async def drive():
        nonlocal now
        store = FailingStore()
        cache = ScoreCache(store, 60)
        await cache.put("key", LABELS, SCORES)
        misses = [await cache.get("key", LABELS) for _ in range(10)]
        asked, store.down = store.asked, False
        now += 5.1
        await cache.put("key", LABELS, SCORES)
        return misses, asked, await cache.get("key", LABELS)

    misses, asked, found = run(drive())
    assert (misses, asked, found.scores.tokens) == ([None] * 10, 1, 7)


# shared between servers


@pytest.fixture
def trying_often(monkeypatch):
    """A store that failed is asked again soon."""
    monkeypatch.setattr("server.cache._AGAIN_SECONDS", 0.2)


@pytest.fixture
def entries(redis_url):
    """The client of a Redis, for a look at the entries."""
    with valkey.Valkey.from_url(redis_url.replace("redis", "valkey", 1)) as client:
        yield client


@pytest.fixture
def two(serve, redis_url):
    """`with two(tagger, other) as (server, other): ...`: two servers that share Redis."""

    @contextmanager
    def start(*taggers):
        with ExitStack() as stack:
            yield [stack.enter_context(serve(tagger=tagger, valkey=redis_url)) for tagger in taggers]

    return start


def test_two_servers_share_their_answers(two, fake):
    other = FakeTagger()
    with two(fake, other) as servers:
        answers = [server.tag(**ASKED) for server in servers]
    assert [caching(answer) for answer in answers] == [MISS, HIT]
    assert labels(answers[0]) == labels(answers[1])
    assert other.computed == []


def test_shared_answers_have_a_lifetime(serve, fake, redis_url, entries):
    with serve(tagger=fake, valkey=redis_url, cache_ttl=100) as server:
        server.tag(**ASKED)
    [key] = entries.keys(ENTRIES)
    assert 90 < entries.ttl(key) <= 100


def test_no_text_and_no_label_is_in_the_name_of_a_shared_answer(serve, fake, redis_url, entries):
    with serve(tagger=fake, valkey=redis_url) as server:
        key = server.tag(**ASKED).headers["x-cache-key"]
    assert [name.decode()[: len(ENTRIES) + 15] for name in entries.keys("*")] == [ENTRIES[:-1] + key]


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_redis_is_a_miss_and_is_replaced(two, fake, entries, garbage):
    with two(fake) as [server]:
        server.tag(**ASKED)
        [key] = entries.keys(ENTRIES)
        entries.set(key, garbage)
        assert [caching(server.tag(**ASKED)) for _ in range(2)] == [MISS, HIT]


def test_another_kind_of_value_in_redis_is_a_miss(two, fake, entries):
    with two(fake) as [server]:
        server.tag(**ASKED)
        [key] = entries.keys(ENTRIES)
        entries.delete(key)
        entries.lpush(key, "a list")
        assert caching(server.tag(**ASKED)) == MISS


@pytest.fixture(scope="module")
def recalibrated(tmp_path_factory):
    """The embedded model with another calibration: another bundle."""
    folder = tmp_path_factory.mktemp("model") / "recalibrated"
    shutil.copytree(default_model(), folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["calibration"]["bias"] += 1.0
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Tagger(folder)


def test_two_models_never_share_an_answer(two, tagger, recalibrated):
    body = {"text": NEWS, "labels": NEWS_LABELS, "threshold": 0}
    with two(tagger, recalibrated, tagger) as servers:
        answers = [server.tag(**body) for server in servers]
        alone = labels(servers[1].tag(**body, cache=False))
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "MISS", "HIT"]
    assert labels(answers[0]) == labels(answers[2]) != labels(answers[1]) == alone


def test_redis_that_stops_is_a_miss_and_comes_back(two, fake, redis_server, until, trying_often):
    with two(fake) as [server]:
        assert [caching(server.tag(**ASKED)) for _ in range(2)] == [MISS, HIT]
        redis_server.stop()
        started = time.monotonic()
        assert [caching(server.tag(**ASKED)) for _ in range(10)] == [MISS] * 10
        assert time.monotonic() - started < 5
        redis_server.start()
        until(lambda: caching(server.tag(**ASKED)) == HIT)


def test_a_server_starts_while_redis_is_down(two, fake, redis_server, until, trying_often):
    redis_server.stop()
    with two(fake) as [server]:
        assert caching(server.tag(**ASKED)) == MISS
        redis_server.start()
        until(lambda: caching(server.tag(**ASKED)) == HIT)


@contextmanager
def paused(process):
    """Keeps its connections open and answers nothing."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def test_redis_that_does_not_answer_is_a_miss_within_seconds(two, fake, redis_server):
    with two(fake) as [server], paused(redis_server.process):
        started = time.monotonic()
        assert [caching(server.tag(**ASKED)) for _ in range(10)] == [MISS] * 10
        assert time.monotonic() - started < 5


def test_connections_that_died_with_redis_are_all_replaced(serve, fake, redis_url, redis_server, until):
    """A client that hands out dead connections would miss once, and then five seconds long, for each of them."""
    batch = {"labels": ["one"], "texts": [f"text {number}" for number in range(40)]}

    def hits(server):
        return sum(item["cache"]["hit"] for item in server.client.post("/v1/tag/batch", json=batch).json()["results"])

    with serve(tagger=fake, valkey=redis_url, workers=8) as server:
        assert hits(server) == 0
        redis_server.stop()
        redis_server.start()
        until(lambda: hits(server) == 40, seconds=12)
