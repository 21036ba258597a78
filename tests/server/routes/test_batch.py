"""POST /v1/tag/batch and /v1/classify/batch: many texts, answered in order."""

import pytest
from fakes import FakeTagger
from support import NEWS, NEWS_LABELS

from nli_tagger import tagger as library

TEXTS = [NEWS, "The match ended three to one", "Parliament votes on Sunday", "Shares fell after the report"]
LONG = "The minister spoke about the economy for a long time. " * 60
ENDPOINTS = ["tag", "classify"]


def batch(server, endpoint, **body):
    return server.client.post(f"/v1/{endpoint}/batch", json={"labels": NEWS_LABELS} | body)


def results(server, endpoint, **body):
    response = batch(server, endpoint, **body)
    assert response.status_code == 200
    return response.json()["results"]


def alone(server, endpoint, text, **more):
    return server.client.post(f"/v1/{endpoint}", json={"text": text, "labels": NEWS_LABELS, "cache": False} | more)


def found(answer):
    """What an answer says of its text, wherever it is."""
    return {name: answer[name] for name in ("label", "confidence", "labels", "tokens") if name in answer}


def test_the_answer_of_tag_has_the_documented_fields(server):
    body = batch(server, "tag", texts=TEXTS, threshold=0, cache=False).json()
    assert list(body) == ["results", "total_tokens", "latency_ms"]
    for item in body["results"]:
        assert list(item) == ["labels", "tokens", "cache"]
        assert item["cache"] == {"hit": False}
        assert [list(scored) for scored in item["labels"]] == [["label", "confidence"]] * len(NEWS_LABELS)


def test_the_answer_of_classify_has_the_documented_fields(server):
    body = batch(server, "classify", texts=TEXTS, cache=False).json()
    assert list(body) == ["results", "total_tokens", "latency_ms"]
    for item in body["results"]:
        assert list(item) == ["label", "confidence", "tokens", "cache"]
        assert item["cache"] == {"hit": False}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("more", [{}, {"text_type": "headline", "descriptions": {"sports": "Matches and athletes"}}])
def test_each_text_is_answered_as_if_it_were_alone_and_in_order(server, endpoint, more):
    texts = [*TEXTS, LONG, *TEXTS]
    together = results(server, endpoint, texts=texts, cache=False, **more)
    assert [found(item) for item in together] == [found(alone(server, endpoint, t, **more).json()) for t in texts]


def test_the_threshold_holds_for_every_text(server):
    low, high = (results(server, "tag", texts=TEXTS, threshold=threshold) for threshold in (0, 1))
    assert [len(item["labels"]) for item in low] == [len(NEWS_LABELS)] * len(TEXTS)
    assert [item["labels"] for item in high] == [[]] * len(TEXTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_tokens_are_added_up(server, endpoint):
    response = batch(server, endpoint, texts=TEXTS, cache=False)
    total = sum(item["tokens"] for item in response.json()["results"])
    assert total > 0
    assert (response.json()["total_tokens"], response.headers["x-tokens-used"]) == (total, str(total))


# texts that cannot be read

UNREADABLE = {"": "text is empty", " \n": "text is empty", "a\x00b": "U+0000 at position 1", "\x1b": "U+001B"}
NOTHING = {"tag": {"labels": []}, "classify": {"label": None, "confidence": None}}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_text_that_cannot_be_read_has_an_error_and_the_others_are_answered(server, endpoint):
    texts = [NEWS, *UNREADABLE, TEXTS[1]]
    first, *unreadable, last = results(server, endpoint, texts=texts, cache=False)
    assert [found(first), found(last)] == [found(alone(server, endpoint, text).json()) for text in (NEWS, TEXTS[1])]
    assert "error" not in first
    for item, complaint in zip(unreadable, UNREADABLE.values(), strict=True):
        assert complaint in item.pop("error")
        assert item == NOTHING[endpoint] | {"tokens": 0, "cache": {"hit": False}}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_text_that_is_too_long_has_an_error_and_the_others_are_answered(server, endpoint, monkeypatch):
    monkeypatch.setattr(library, "MAX_TEXT_TOKENS", 30)
    short, long = results(server, endpoint, texts=[NEWS, LONG], cache=False)
    assert found(short) == found(alone(server, endpoint, NEWS).json())
    assert "split it" in long["error"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nothing_but_unreadable_texts_is_an_answer_too(server, endpoint):
    response = batch(server, endpoint, texts=["", ""])
    assert (response.status_code, response.json()["total_tokens"]) == (200, 0)
    assert [item["error"] for item in response.json()["results"]] == ["text is empty; send the text to tag."] * 2
    assert (response.headers["x-cache"], response.headers["x-tokens-used"]) == ("MISS", "0")


# how many texts


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_thousand_texts_are_answered_in_order(serve, endpoint):
    texts = [f"text number {number}" for number in range(1000)]
    with serve(tagger=FakeTagger(), workers=2) as server:
        together = results(server, endpoint, texts=texts, cache=False)
        apart = {place: alone(server, endpoint, texts[place]).json() for place in (0, 1, 31, 32, 500, 998, 999)}
    assert len(together) == 1000
    assert [found(together[place]) for place in apart] == [found(answer) for answer in apart.values()]


def test_a_thousand_texts_of_a_small_queue_are_answered(serve):
    with serve(tagger=FakeTagger(), workers=1, max_queue=4) as server:
        answered = results(server, "tag", texts=[f"text number {number}" for number in range(1000)])
    assert not any("error" in item for item in answered)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("texts", "field", "advice"),
    [
        (["a"] * 1001, "texts", "at most 1,000 are allowed. Send several batches"),
        ([], "texts", "send at least one text"),
        (None, "texts", "send at least one text"),
        ("one text", "texts", "Expected `array"),
        ([1], "texts[0]", "Expected `string"),
        (["a", None], "texts[1]", "Expected `string"),
    ],
    ids=["1,001 texts", "no texts", "null", "string", "number", "null as a text"],
)
def test_bad_texts_are_422(server, error_of, endpoint, texts, field, advice):
    response = batch(server, endpoint, texts=texts)
    error = error_of(response)
    assert (response.status_code, error["details"]) == (422, {"field": field})
    assert advice in error["message"]


FAILING = {
    "duplicate labels": ({"labels": ["a", "a"]}, 422, "labels"),
    "no labels": ({"labels": None}, 422, "labels"),
    "unreadable label": ({"labels": ["a\x00"]}, 422, "labels"),
    "label of too many tokens": (
        {"labels": ["a"], "descriptions": {"a": "ß字" * 150}},
        422,
        "descriptions",
    ),
    "threshold": ({"threshold": 2}, 422, "threshold"),
    "file": ({"file": "aGk="}, 422, "file"),
    "unknown classifier": ({"labels": None, "classifier": "unknown"}, 404, "classifier"),
    "labels beside a classifier": ({"classifier": "unknown"}, 422, "labels"),
}


@pytest.mark.parametrize(("body", "status", "field"), FAILING.values(), ids=FAILING)
def test_what_is_wrong_with_the_question_fails_the_whole_call(server, error_of, body, status, field):
    response = batch(server, "tag", texts=TEXTS, **body)
    assert (response.status_code, error_of(response)["details"]) == (status, {"field": field})


# the cache


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_item_says_whether_it_comes_from_the_cache(server, endpoint):
    texts = [f"{text} ({endpoint})" for text in TEXTS]
    server.client.post(f"/v1/{endpoint}", json={"text": texts[2], "labels": NEWS_LABELS})
    first = batch(server, endpoint, texts=texts)
    assert [item["cache"]["hit"] for item in first.json()["results"]] == [False, False, True, False]
    computed = [item["tokens"] for item in first.json()["results"] if not item["cache"]["hit"]]
    assert (first.headers["x-cache"], first.headers["x-tokens-used"]) == ("MISS", str(sum(computed)))
    assert first.json()["total_tokens"] > sum(computed)
    again = batch(server, endpoint, texts=texts)
    assert [item["cache"]["hit"] for item in again.json()["results"]] == [True] * 4
    assert (again.headers["x-cache"], again.headers["x-tokens-used"]) == ("HIT", "0")
    assert [found(item) for item in again.json()["results"]] == [found(item) for item in first.json()["results"]]


def test_without_the_cache_everything_is_computed_afresh(server):
    texts = ["A text for two batches"]
    assert [results(server, "tag", texts=texts, cache=False)[0]["cache"]["hit"] for _ in range(2)] == [False, False]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_same_text_twice_in_a_batch_has_the_same_answer_twice(server, endpoint):
    once, again, other = results(server, endpoint, texts=[NEWS, NEWS, TEXTS[1]], cache=False)
    assert found(once) == found(again) != found(other)


# saved classifiers


def test_a_classifier_has_a_threshold_for_each_label(server):
    thresholds = {"politics": 0, "technology": 1, "sports": 0}
    saved = {"name": "for-batch", "labels": NEWS_LABELS[:2] + NEWS_LABELS[3:], "threshold": thresholds}
    assert server.client.post("/v1/classifiers", json=saved).status_code == 201
    own = results(server, "tag", texts=TEXTS, labels=None, classifier="for-batch")
    assert [{scored["label"] for scored in item["labels"]} for item in own] == [{"politics", "sports"}] * len(TEXTS)
    asked = results(server, "tag", texts=TEXTS, labels=[], classifier="for-batch@v1", threshold=0)
    assert [len(item["labels"]) for item in asked] == [3] * len(TEXTS)
    chosen = results(server, "classify", texts=TEXTS, labels=None, classifier="for-batch")
    inline = results(server, "classify", texts=TEXTS, labels=saved["labels"], cache=False)
    assert [found(item) for item in chosen] == [found(item) for item in inline]


# the queue


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_batch_waits_in_its_own_lane(server, jobs, endpoint):
    results(server, endpoint, texts=TEXTS, cache=False, priority="fast")
    assert set(jobs) == {"batch"}
