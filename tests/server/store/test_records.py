"""Records of requests: newest first, page by page, gone when their time is over."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from nli_tagger import InputError
from server.store.database import Database
from server.store.records import Records

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(request_id="r", **values):
    return {
        "at": NOON,
        "request_id": request_id,
        "key": "open",
        "route": "/v1/tag",
        "method": "POST",
        "status": 200,
        "error_code": "",
        "classifier": "",
        "labels": 2,
        "text_count": 1,
        "cache_hits": 0,
        "tokens": 12,
        "ms": 3.5,
        "texts": None,
    } | values


async def found(records, count=100, before=None, key=None, status=None, classifier=None):
    return await records.newest(count, before, key, status, classifier)


async def ids(records, **asked):
    return [row.request_id for row in await found(records, **asked)]


async def test_a_record_comes_back_as_it_was_written(records):
    everything = record(
        at=NOON + timedelta(microseconds=123_456),
        classifier="x" * 64 + "@v999999999",
        error_code="RATE_LIMITED",
        key="0" * 36,
        ms=0.1,
        request_id="A-z.0_9" * 9,
        tokens=2**40,
        texts='["Grüße \U0001f44b", "\\u0000"]',
    )
    await records.add([everything])
    (row,) = await found(records)
    assert {name: getattr(row, name) for name in everything} == everything


async def test_records_come_newest_first(records):
    await records.add([record("1"), record("2")])
    await records.add([record("3")])
    assert await ids(records) == ["3", "2", "1"]


async def test_no_records_are_written_for_none(records):
    await records.add([])
    assert await ids(records) == []


async def test_all_or_none_of_what_is_added_together_is_written(records):
    with pytest.raises(Exception, match=r"NOT NULL|null value"):
        await records.add([record("1"), record("2", status=None)])
    assert await ids(records) == []


async def test_records_are_read_page_by_page_while_new_ones_come(records):
    await records.add([record(str(number)) for number in range(5)])
    pages, before = [], None
    while page := await found(records, count=2, before=before):
        pages.append([row.request_id for row in page])
        before = page[-1].id
        await records.add([record("new")])
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


async def test_a_page_before_any_id_an_api_may_be_asked_for(records):
    await records.add([record()])
    assert await ids(records, before=1) == []
    assert await ids(records, before=2**63 - 1) == ["r"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"key": "a"}, ["3", "1"]),
        ({"status": 200}, ["4", "2", "1"]),
        ({"classifier": "news"}, ["4", "3"]),
        ({"classifier": "news@v1"}, ["3"]),
        ({"classifier": ""}, ["1"]),
        ({"key": "a", "status": 429, "classifier": "news"}, ["3"]),
        ({"key": "b", "status": 429}, []),
        ({"status": 200, "count": 2}, ["4", "2"]),
        ({"key": "%"}, []),
        ({"key": ""}, []),
    ],
    ids=str,
)
async def test_records_are_filtered(records, asked, expected):
    await records.add(
        [
            record("1", key="a"),
            record("2", key="b", classifier="news2@v1"),
            record("3", key="a", status=429, classifier="news@v1"),
            record("4", key="b", classifier="news@v2"),
        ]
    )
    assert await ids(records, **asked) == expected


@pytest.mark.parametrize("wrong", [{"key": "\x00"}, {"key": "\ud800"}, {"classifier": "\x00"}, {"classifier": "a/b"}])
async def test_a_filter_that_matches_nothing_ever_is_refused_on_every_database(records, wrong):
    with pytest.raises(InputError) as refused:
        await found(records, **wrong)
    assert refused.value.field == next(iter(wrong))


async def test_servers_that_write_at_once_lose_nothing(records, url):
    servers = [Records(Database(url)) for _ in range(3)]
    writes = [servers[turn % 3].add([record(f"{turn}-{number}") for number in range(10)]) for turn in range(18)]
    await asyncio.gather(*writes)
    await asyncio.gather(*(server.database.close() for server in servers))
    rows = await found(records, count=1000)
    assert {row.request_id for row in rows} == {f"{turn}-{number}" for turn in range(18) for number in range(10)}
    assert len({row.id for row in rows}) == 180


async def test_old_records_are_forgotten_to_the_moment(records):
    moments = {"older": -1, "then": 0, "newer": 1}
    await records.add([record(name, at=NOON + timedelta(microseconds=offset)) for name, offset in moments.items()])
    await records.forget_before(NOON)
    assert await ids(records) == ["newer", "then"]


async def test_a_page_goes_on_where_it_was_although_records_were_forgotten(records):
    await records.add([record(str(number), at=NOON + timedelta(hours=number)) for number in range(4)])
    page = await found(records, count=1)
    await records.forget_before(NOON + timedelta(hours=1))
    assert await ids(records, before=page[-1].id) == ["2", "1"]
