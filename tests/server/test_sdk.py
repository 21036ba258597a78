"""Classer's own Python SDK, unmodified, against this server."""

import classer
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
    with running(tagger, tmp_path_factory.mktemp("data"), api_keys=[KEY]) as started:
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


def test_the_right_key_lets_in(protected, point_at):
    point_at(protected)
    assert ClasserClient(api_key=KEY).tag(text=NEWS, labels=NEWS_LABELS).tokens > 0


def test_the_key_may_come_from_the_environment(protected, point_at, monkeypatch):
    point_at(protected)
    monkeypatch.setenv("CLASSER_API_KEY", KEY)
    assert classer.tag(text=NEWS, labels=NEWS_LABELS).tokens > 0


@pytest.mark.parametrize(("key", "detail"), [("wrong", "not valid"), (None, "'Authorization: Bearer <key>'")])
def test_a_wrong_key_and_no_key_are_401_with_advice(protected, point_at, key, detail):
    point_at(protected)
    with pytest.raises(ClasserError) as raised:
        ClasserClient(api_key=key).tag(text=NEWS, labels=NEWS_LABELS)
    assert raised.value.status == 401
    assert detail in raised.value.detail
