"""Classer's own Python SDK, unmodified, against this server."""

from datetime import UTC, datetime, timedelta

import classer
import httpx
import pytest
from classer import ClasserClient, ClasserError
from support import NEWS, NEWS_LABELS, running

KEY = "sdk-key"
PHONE = "New iPhone announced with AI features and lower price"
PHONE_LABELS = {
    "technology": "Hardware, software, gadgets",
    "business": "Corporate news, earnings, strategy",
    "consumer": "Product launches, pricing, reviews",
    "ai": "Artificial intelligence, machine learning",
}


@pytest.fixture(scope="module")
def protected(tagger, tmp_path_factory):
    with running(tagger, tmp_path_factory.mktemp("data"), api_keys=[KEY], admin_keys=["admin-key"]) as started:
        yield started


@pytest.fixture
def point_at(monkeypatch):
    """Points the SDK at a server, free of the keys and proxies of this machine."""
    monkeypatch.delenv("CLASSER_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(classer, "_default_client", None)
    return lambda server: monkeypatch.setattr(ClasserClient, "BASE_URL", server.url)


@pytest.fixture
def client(server, point_at):
    point_at(server)
    return ClasserClient()


def names(answer):
    return {scored.label for scored in answer.labels}


def test_the_news_example_of_the_readme(client):
    assert names(client.tag(text=NEWS, labels=NEWS_LABELS, threshold=0.5)) == {"technology", "finance"}


def test_the_phone_example_of_the_readme(client):
    answer = client.tag(text=PHONE, labels=list(PHONE_LABELS), descriptions=PHONE_LABELS, threshold=0.4)
    assert names(answer) >= {"technology", "ai"}


def test_every_field_of_the_answer_is_filled(client):
    answer = client.tag(text=NEWS, labels=NEWS_LABELS, threshold=0, priority="fast", cache=False)
    assert names(answer) == set(NEWS_LABELS)
    assert all(0 < scored.confidence < 1 for scored in answer.labels)
    assert answer.tokens > 0
    assert answer.latency_ms > 0
    assert answer.cached is False


def test_no_match_is_an_empty_list(client):
    assert client.tag(text=NEWS, labels=["cooking recipe"], threshold=1).labels == []


def test_the_function_of_the_module_works(server, point_at):
    point_at(server)
    assert names(classer.tag(text=NEWS, labels=NEWS_LABELS, threshold=0)) == set(NEWS_LABELS)


# classify and batches

TEXTS = [NEWS, "The match ended three to one", "Parliament votes on Sunday"]


def test_classify_gives_one_label(client):
    answer = client.classify(text=NEWS, labels=NEWS_LABELS, priority="fast", cache=False)
    assert answer.label in {"technology", "finance"}
    assert 0.25 < answer.confidence < 1
    assert answer.tokens > 0
    assert answer.latency_ms > 0
    assert answer.cached is False


def test_classify_with_one_label_is_detection(client):
    [tagged] = client.tag(text=NEWS, labels=["technology"], threshold=0).labels
    assert client.classify(text=NEWS, labels=["technology"]).confidence == tagged.confidence


def test_a_batch_of_tag_gives_the_answers_of_tag(client):
    batch = client.tag_batch(texts=TEXTS, labels=NEWS_LABELS, threshold=0, cache=False)
    alone = [client.tag(text=text, labels=NEWS_LABELS, threshold=0, cache=False) for text in TEXTS]
    assert [(found.labels, found.tokens) for found in batch.results] == [(a.labels, a.tokens) for a in alone]
    assert [(found.error, found.cached) for found in batch.results] == [(None, False)] * len(TEXTS)
    assert batch.total_tokens == sum(answer.tokens for answer in alone)
    assert batch.latency_ms > 0


def test_a_batch_of_classify_gives_the_answers_of_classify(client):
    batch = client.classify_batch(texts=TEXTS, labels=NEWS_LABELS, cache=False)
    alone = [client.classify(text=text, labels=NEWS_LABELS, cache=False) for text in TEXTS]
    assert [(found.label, found.confidence) for found in batch.results] == [(a.label, a.confidence) for a in alone]
    assert batch.total_tokens == sum(answer.tokens for answer in alone)


def test_a_text_that_cannot_be_read_has_an_error_of_its_own(client):
    detail = "text is empty; send the text to tag."
    tagged = client.tag_batch(texts=["", NEWS], labels=NEWS_LABELS).results
    assert [found.error for found in tagged] == [detail, None]
    assert (tagged[0].labels, bool(tagged[1].labels)) == ([], True)
    classified = client.classify_batch(texts=["", NEWS], labels=NEWS_LABELS).results
    assert [found.error for found in classified] == [detail, None]
    assert (classified[0].label, bool(classified[1].label)) == (None, True)


def test_answers_say_that_they_come_from_the_cache(client):
    asked = {"text": "A text of the Python SDK only", "labels": NEWS_LABELS}
    assert [client.tag(**asked).cached, client.tag(**asked).cached, client.classify(**asked).cached] == [
        False,
        True,
        True,
    ]
    batch = client.tag_batch(texts=[asked["text"], "Another text of the Python SDK only"], labels=NEWS_LABELS)
    assert [found.cached for found in batch.results] == [True, False]


def test_a_saved_classifier_stands_for_its_labels(server, client):
    saved = {"name": "python-sdk", "labels": NEWS_LABELS, "threshold": 0}
    httpx.post(f"{server.url}/v1/classifiers", json=saved, trust_env=False).raise_for_status()
    for reference in ("python-sdk", "python-sdk@v1"):
        assert names(client.tag(text=NEWS, classifier=reference)) == set(NEWS_LABELS)
        assert client.classify(text=NEWS, classifier=reference).label in NEWS_LABELS
        assert len(client.tag_batch(texts=TEXTS, classifier=reference).results[0].labels) == len(NEWS_LABELS)
        assert client.classify_batch(texts=TEXTS, classifier=reference).results[0].label in NEWS_LABELS


# errors


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"text": ""}, "text is missing; send the text to tag."),
        ({"labels": ["a", "a"]}, "Labels must be unique: 'a' appears more than once."),
        ({"threshold": 2.0}, "threshold is 2.0; it must be from 0 to 1."),
        ({"image": "aGk="}, "image is not supported by this version of the server; send text and labels."),
    ],
)
def test_the_detail_of_an_error_is_readable(client, arguments, detail):
    with pytest.raises(ClasserError) as raised:
        client.tag(**{"text": NEWS, "labels": NEWS_LABELS} | arguments)
    assert (raised.value.status, raised.value.detail) == (422, detail)


@pytest.mark.parametrize("method", ["tag_batch", "classify_batch"])
@pytest.mark.parametrize(
    ("arguments", "status", "detail"),
    [
        ({"texts": []}, 422, "texts is missing or empty; send at least one text."),
        ({"labels": ["a", "a"]}, 422, "Labels must be unique: 'a' appears more than once."),
        ({"labels": None, "classifier": "unknown"}, 404, "There is no classifier 'unknown'"),
        ({"classifier": "unknown"}, 422, "labels cannot be sent beside classifier"),
    ],
)
def test_the_detail_of_an_error_of_a_batch_is_readable(client, method, arguments, status, detail):
    with pytest.raises(ClasserError) as raised:
        getattr(client, method)(**{"texts": TEXTS, "labels": NEWS_LABELS} | arguments)
    assert (raised.value.status, raised.value.detail[: len(detail)]) == (status, detail)


# keys

METHODS = {
    "tag": {"text": NEWS, "labels": NEWS_LABELS},
    "classify": {"text": NEWS, "labels": NEWS_LABELS},
    "tag_batch": {"texts": [NEWS], "labels": NEWS_LABELS},
    "classify_batch": {"texts": [NEWS], "labels": NEWS_LABELS},
}


def make_key(server, **fields):
    admin = {"Authorization": "Bearer admin-key"}
    made = httpx.post(f"{server.url}/v1/keys", json={"name": "sdk"} | fields, headers=admin, trust_env=False)
    return made.json()["key"]


def test_the_right_key_lets_in(protected, point_at):
    point_at(protected)
    assert ClasserClient(api_key=KEY).tag(text=NEWS, labels=NEWS_LABELS).tokens > 0


def test_the_key_may_come_from_the_environment(protected, point_at, monkeypatch):
    point_at(protected)
    monkeypatch.setenv("CLASSER_API_KEY", KEY)
    assert classer.tag(text=NEWS, labels=NEWS_LABELS).tokens > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("key", "detail"), [("wrong", "not valid"), (None, "'Authorization: Bearer <key>'")])
def test_a_wrong_key_and_no_key_are_401_with_advice(protected, point_at, method, key, detail):
    point_at(protected)
    with pytest.raises(ClasserError) as raised:
        getattr(ClasserClient(api_key=key), method)(**METHODS[method])
    assert raised.value.status == 401
    assert detail in raised.value.detail


@pytest.mark.parametrize("method", METHODS)
def test_a_key_that_was_made_lets_in_everywhere(protected, point_at, method):
    point_at(protected)
    getattr(ClasserClient(api_key=make_key(protected)), method)(**METHODS[method])


def test_a_key_for_some_classifiers_is_403_with_their_names(protected, point_at):
    point_at(protected)
    with pytest.raises(ClasserError) as raised:
        ClasserClient(api_key=make_key(protected, classifiers=["news"])).tag(text=NEWS, labels=NEWS_LABELS)
    assert raised.value.status == 403
    assert raised.value.detail == "This key may use these classifiers only: news."


def test_an_expired_key_is_401_and_says_so(protected, point_at, until):
    point_at(protected)
    end = datetime.now(UTC) + timedelta(seconds=0.5)
    client = ClasserClient(api_key=make_key(protected, expires_at=end.isoformat()))
    until(lambda: datetime.now(UTC) > end)
    with pytest.raises(ClasserError) as raised:
        client.tag(text=NEWS, labels=NEWS_LABELS)
    assert (raised.value.status, raised.value.detail) == (401, "The API key has expired; ask for a new one.")


def test_a_limit_that_is_used_up_is_429_and_says_which(protected, point_at):
    point_at(protected)
    client = ClasserClient(api_key=make_key(protected, requests_per_minute=1))
    client.tag(text=NEWS, labels=NEWS_LABELS, cache=False)
    with pytest.raises(ClasserError) as raised:
        client.tag(text=NEWS, labels=NEWS_LABELS, cache=False)
    assert raised.value.status == 429
    assert raised.value.detail.startswith("This key may use 1 requests a minute; try again in")
