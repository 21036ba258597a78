"""What is noted of requests reaches the store, or waits for it."""

import asyncio
from datetime import timedelta

import pytest

from server.recorder import Facts, Recorder

SCORED = Facts(scores=True, caller="key", classifier="news@v1", labels=2, texts=["a", "b"], cache_hits=1, tokens=9)


class Store:
    """Remembers what it is given; fails as often as it is told to."""

    def __init__(self, failures=0):
        self.failures, self.kept, self.forgotten = failures, [], []

    async def add(self, what):
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.kept.append(what)

    async def forget_before(self, moment):
        self.forgotten.append(moment)


@pytest.fixture
def record():
    """Notes the facts with a recorder that is then closed, after a write that may have failed."""

    def run(*facts, failures=0, keep_days=30, keep_texts=False):
        usage, records = Store(failures), Store(failures)

        async def drive():
            async with Recorder(usage, records, keep_days, keep_texts) as recorder:
                for known in facts:
                    recorder.note(known, "id", "POST", "/v1/tag", 422 if known.error_code else 200, 1.5)
                for _ in range(failures):
                    await recorder._write()
                await asyncio.sleep(0)

        asyncio.run(drive())
        counted = {key: counts for kept in usage.kept for key, counts in kept.items()}
        return counted, [row for kept in records.kept for row in kept], records

    return run


def test_usage_is_counted_by_key_and_classifier(record):
    failed = Facts(scores=True, caller="key", classifier="news@v1", error_code="VALIDATION_ERROR")
    counted, _, _ = record(SCORED, SCORED, failed)
    [(key, counts)] = counted.items()
    assert (key.key, key.classifier) == ("key", "news@v1")
    assert (counts.requests, counts.errors, counts.texts, counts.cache_hits, counts.tokens) == (3, 1, 4, 2, 18)


def test_a_request_that_scores_nothing_is_no_usage_but_a_record(record):
    counted, rows, _ = record(Facts(caller="key"))
    assert counted == {}
    assert len(rows) == 1


def test_texts_are_kept_only_when_that_is_switched_on(record):
    assert record(SCORED)[1][0]["texts"] is None
    assert record(SCORED, keep_texts=True)[1][0]["texts"] == '["a","b"]'


def test_what_cannot_be_written_waits_for_the_next_time(record):
    counted, rows, _ = record(SCORED, failures=2)
    assert [counts.requests for counts in counted.values()] == [1]
    assert len(rows) == 1


def test_nothing_is_recorded_where_nothing_is_kept(record):
    counted, rows, _ = record(SCORED, keep_days=0)
    assert rows == []
    assert [counts.requests for counts in counted.values()] == [1]


def test_old_records_are_forgotten(record):
    _, _, records = record(SCORED, keep_days=7)
    [moment] = records.forgotten
    assert moment.tzinfo is not None
    assert moment.utcoffset() == timedelta(0)
