"""Usage: adds up, whoever counts at the same time, and is asked for by day, key and classifier."""

import asyncio
from datetime import date, timedelta
from random import Random

import pytest

from nli_tagger import InputError
from server.store.database import Database
from server.store.usage import Counts, Usage, UsageKey, total

pytestmark = pytest.mark.anyio
DAY = date(2026, 3, 1)
ONE = Counts(requests=1, errors=2, texts=3, cache_hits=4, tokens=5)


def days(*offsets):
    return [DAY + timedelta(offset) for offset in offsets]


def shown(rows):
    return [(row.day, row.key, row.classifier, row.requests) for row in rows]


def counts_of(row):
    return Counts(row.requests, row.errors, row.texts, row.cache_hits, row.tokens)


async def everything(usage):
    return await usage.between(date.min, date.max, None, None)


async def test_what_is_counted_together_adds_up(usage):
    for _ in range(3):
        await usage.add({UsageKey(DAY, "key", "news@v1"): ONE})
    (row,) = await everything(usage)
    assert counts_of(row) == Counts(3, 6, 9, 12, 15)


async def test_days_keys_and_classifiers_are_counted_apart(usage):
    apart = [UsageKey(day, key, name) for day in days(0, 1) for key in ("a", "b") for name in ("", "news@v1")]
    await usage.add(dict.fromkeys(apart, ONE))
    await usage.add({apart[0]: ONE})
    assert {UsageKey(row.day, row.key, row.classifier): row.requests for row in await everything(usage)} == {
        key: 2 if key == apart[0] else 1 for key in apart
    }


async def test_nothing_to_add_is_not_written(usage):
    await usage.add({})
    assert await everything(usage) == []


async def test_numbers_may_grow_beyond_four_bytes(usage):
    many = Counts(*[2**40] * 5)
    for _ in range(2):
        await usage.add({UsageKey(DAY, "key", ""): many})
    assert total(await everything(usage)) == Counts(*[2**41] * 5)


async def test_what_fails_half_way_is_not_counted_at_all(usage):
    with pytest.raises(Exception, match=r"NOT NULL|null value"):
        await usage.add({UsageKey(DAY, "a", ""): ONE, UsageKey(DAY, "b", ""): Counts(None)})
    assert await everything(usage) == []


async def test_servers_that_count_at_once_neither_lose_anything_nor_wait_for_each_other_in_a_circle(usage, url):
    servers = [Usage(Database(url)) for _ in range(3)]
    keys = [UsageKey(day, key, name) for day in days(0, 1) for key in ("a", "b") for name in ("", "x@v1", "y@v1")]

    async def count(turn):
        shuffled = Random(turn).sample(keys, len(keys))
        await servers[turn % 3].add(dict.fromkeys(shuffled, ONE))

    async with asyncio.timeout(60):
        await asyncio.gather(*(count(turn) for turn in range(24)))
    await asyncio.gather(*(server.database.close() for server in servers))
    assert [counts_of(row) for row in await everything(usage)] == [Counts(24, 48, 72, 96, 120)] * len(keys)


async def test_rows_come_newest_day_first_then_by_key_and_classifier(usage):
    order = [(1, "a", ""), (1, "a", "x@v1"), (1, "b", ""), (0, "a", ""), (-1, "z", "")]
    await usage.add({UsageKey(DAY + timedelta(day), key, name): ONE for day, key, name in reversed(order)})
    assert shown(await everything(usage)) == [(DAY + timedelta(day), key, name, 1) for day, key, name in order]


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(0, 0, [0]), (-1, 1, [1, 0, -1]), (1, 5, [2, 1]), (-9, -1, [-1, -2]), (3, 9, []), (1, 0, [])],
)
async def test_both_ends_of_a_span_of_days_belong_to_it(usage, first, last, found):
    await usage.add({UsageKey(day, "key", ""): ONE for day in days(-2, -1, 0, 1, 2)})
    rows = await usage.between(*days(first, last), None, None)
    assert [row.day for row in rows] == days(*found)


@pytest.mark.parametrize(
    ("key", "classifier", "found"),
    [
        ("a", None, [("a", ""), ("a", "news@v1")]),
        (None, "news", [("a", "news@v1"), ("b", "news@v2")]),
        ("b", "news", [("b", "news@v2")]),
        ("b", "news@v1", []),
        ("", None, []),
        ("A", None, []),
        ("%", None, []),
        ("é" * 40, None, []),
    ],
)
async def test_rows_are_filtered_by_key_and_classifier(usage, key, classifier, found):
    stored = [("a", ""), ("a", "news@v1"), ("b", "news@v2"), ("b", "weather@v1")]
    await usage.add({UsageKey(DAY, of_key, name): ONE for of_key, name in stored})
    rows = await usage.between(DAY, DAY, key, classifier)
    assert [(row.key, row.classifier) for row in rows] == found


@pytest.mark.parametrize("key", ["\x00", "a\x00", "\ud800"])
async def test_a_key_that_is_no_text_is_refused_on_every_database(usage, key):
    with pytest.raises(InputError) as refused:
        await usage.between(DAY, DAY, key, None)
    assert refused.value.field == "key"


async def test_old_days_are_forgotten(usage):
    await usage.add({UsageKey(day, "key", ""): ONE for day in days(-31, -30, -29, 0)})
    await usage.forget(30, today=DAY)
    assert [row.day for row in await everything(usage)] == days(0, -29, -30)


async def test_the_total_of_nothing_is_nothing(usage):
    assert total(await everything(usage)) == Counts()
