"""Classer's own Node SDK, unmodified, against this server."""

import pytest
from support import NEWS, NEWS_LABELS, running

KEY = "sdk-key"
TEXTS = [NEWS, "The cat sat on the mat"]


@pytest.fixture(scope="module")
def protected(tagger, tmp_path_factory):
    with running(tagger, tmp_path_factory.mktemp("data"), api_keys=[KEY]) as started:
        yield started


@pytest.fixture
def call(server, node_sdk):
    """`call("tag", text=...)` calls a method of the SDK with these arguments, and the labels of the news."""
    return lambda method, **arguments: node_sdk(server.url, method, {"labels": NEWS_LABELS} | arguments)


@pytest.fixture
def result_of(call):
    def result(method, **arguments):
        answer = call(method, **arguments)
        assert "error" not in answer, answer
        return answer["result"]

    return result


def names(labels):
    return {found["label"] for found in labels}


def scored(answer):
    """Label to confidence, of tag and of classify."""
    return {found["label"]: found["confidence"] for found in answer.get("labels", [answer])}


def test_tag_gives_every_label_with_its_confidence(result_of):
    answer = result_of("tag", text=NEWS, threshold=0, priority="fast", cache=False)
    assert names(answer["labels"]) == set(NEWS_LABELS)
    assert all(0 < found["confidence"] < 1 for found in answer["labels"])
    assert answer["tokens"] > 0
    assert answer["latency_ms"] > 0
    assert answer["cached"] is False


def test_tag_gives_the_labels_above_the_threshold(result_of):
    assert names(result_of("tag", text=NEWS, threshold=0.5)["labels"]) == {"technology", "finance"}


def test_no_match_is_an_empty_list(result_of):
    assert result_of("tag", text=NEWS, labels=["cooking recipe"], threshold=1)["labels"] == []


def test_classify_gives_one_label(result_of):
    answer = result_of("classify", text=NEWS, cache=False)
    assert answer["label"] in {"technology", "finance"}
    assert 0.25 < answer["confidence"] < 1
    assert answer["tokens"] > 0
    assert answer["latency_ms"] > 0
    assert answer["cached"] is False


@pytest.mark.parametrize(("single", "batch"), [("classify", "classifyBatch"), ("tag", "tagBatch")])
def test_a_batch_gives_what_the_single_calls_give_in_the_same_order(result_of, single, batch):
    one_by_one = [result_of(single, text=text, cache=False) for text in TEXTS]
    answer = result_of(batch, texts=TEXTS, cache=False)
    assert [scored(item) for item in answer["results"]] == [pytest.approx(scored(alone)) for alone in one_by_one]
    assert [item["tokens"] for item in answer["results"]] == [alone["tokens"] for alone in one_by_one]
    assert all(item["cached"] is False and "error" not in item for item in answer["results"])
    assert answer["total_tokens"] == sum(alone["tokens"] for alone in one_by_one)
    assert answer["latency_ms"] > 0


def test_the_threshold_holds_for_a_batch(result_of):
    first, second = result_of("tagBatch", texts=TEXTS, threshold=0.5)["results"]
    assert names(first["labels"]) == {"technology", "finance"}
    assert "sports" not in names(second["labels"])


@pytest.mark.parametrize("method", ["classifyBatch", "tagBatch"])
def test_a_text_that_cannot_be_read_has_an_error_of_its_own(result_of, method):
    good, bad = result_of(method, texts=[NEWS, ""])["results"]
    assert "error" not in good
    assert good["tokens"] > 0
    assert bad["error"] == "text is empty; send the text to tag."
    assert bad["tokens"] == 0


@pytest.mark.parametrize(("single", "batch"), [("classify", "classifyBatch"), ("tag", "tagBatch")])
def test_the_second_answer_is_cached(result_of, single, batch):
    text = f"A text for {single} only: {NEWS}"
    first, second = (result_of(single, text=text) for _ in range(2))
    assert (first["cached"], second["cached"]) == (False, True)
    known, new = result_of(batch, texts=[text, f"{text} And more."])["results"]
    assert (known["cached"], new["cached"]) == (True, False)


@pytest.mark.parametrize(
    ("method", "arguments", "status", "detail"),
    [
        ("tag", {"text": ""}, 422, "text is empty; send the text to tag."),
        ("tag", {"text": NEWS, "labels": ["a", "a"]}, 422, "Labels must be unique: 'a' appears more than once."),
        ("tag", {"text": NEWS, "threshold": 2.0}, 422, "threshold is 2.0; it must be from 0 to 1."),
        ("classify", {"text": ""}, 422, "text is empty; send the text to tag."),
        ("classifyBatch", {"texts": []}, 422, "texts is missing or empty; send at least one text."),
        ("tagBatch", {"texts": TEXTS, "threshold": 2.0}, 422, "threshold is 2.0; it must be from 0 to 1."),
    ],
)
def test_the_detail_of_an_error_is_readable(call, method, arguments, status, detail):
    error = call(method, **arguments)["error"]
    assert error["name"] == "ClasserError"
    assert (error["status"], error["detail"]) == (status, detail)


METHODS = [("tag", {"text": NEWS}), ("classify", {"text": NEWS})]
METHODS += [(f"{method}Batch", {"texts": [NEWS]}) for method, _ in METHODS]


@pytest.mark.parametrize(("method", "arguments"), METHODS)
def test_the_right_key_lets_in(protected, node_sdk, method, arguments):
    assert "result" in node_sdk(protected.url, method, arguments | {"labels": NEWS_LABELS}, KEY)


@pytest.mark.parametrize(("method", "arguments"), METHODS)
@pytest.mark.parametrize(("key", "advice"), [("wrong", "not valid"), (None, "'Authorization: Bearer <key>'")])
def test_a_wrong_key_and_no_key_are_401_with_advice(protected, node_sdk, method, arguments, key, advice):
    error = node_sdk(protected.url, method, arguments | {"labels": NEWS_LABELS}, key)["error"]
    assert error["status"] == 401
    assert advice in error["detail"]
