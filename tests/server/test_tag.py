"""POST /v1/tag: what a good request gets."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import NEWS, NEWS_LABELS

from nli_tagger import Tagger
from server.scheduler import Scheduler

PLAIN = {"text": NEWS, "labels": NEWS_LABELS, "threshold": 0, "cache": False}
NOTHING = {"text": NEWS, "labels": ["cooking recipe"], "threshold": 1}

TOPICS = (
    "politics technology finance sports economy investment stocks markets software hardware health science music film "
    "travel food fashion weather crime education energy climate law war religion games cars housing jobs trade banking "
    "startups robots computing growth optimism risk news opinion advertising"
).split()
MANY_LABELS = [f"{topic}{kind}" for topic in TOPICS for kind in ("", " news", " report", " rumour", " forecast")]
"""200 labels, so that some have a confidence close to any threshold."""


def confidences(response):
    assert response.status_code == 200
    return {scored["label"]: scored["confidence"] for scored in response.json()["labels"]}


@pytest.fixture(scope="module")
def scores(server):
    """The confidence of every label."""
    return confidences(server.tag(**PLAIN))


def test_the_answer_has_the_documented_fields(server):
    body = server.tag(**PLAIN).json()
    assert {name: type(value) for name, value in body.items()} == {
        "labels": list,
        "tokens": int,
        "latency_ms": float,
        "cached": bool,
    }
    assert all(set(scored) == {"label", "confidence"} for scored in body["labels"])


def test_every_label_is_answered_at_threshold_zero(scores):
    assert set(scores) == set(NEWS_LABELS)


def test_labels_come_highest_first(scores):
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_confidences_have_at_most_four_decimals_between_0_and_1(server):
    written = re.findall(r'"confidence":([^}]*)}', server.tag(**PLAIN).text)
    assert len(written) == len(NEWS_LABELS)
    assert all(re.fullmatch(r"0\.\d{1,4}|1\.0", number) for number in written)


def test_only_labels_of_at_least_the_threshold_are_answered(server, scores):
    middle = sorted(scores.values())[2]
    expected = {label: confidence for label, confidence in scores.items() if confidence >= middle}
    assert confidences(server.tag(**PLAIN | {"threshold": middle})) == expected
    assert len(expected) == 2


def test_the_default_threshold_is_one_half(server):
    many = {"text": NEWS, "labels": MANY_LABELS}
    assert confidences(server.tag(**many)) == confidences(server.tag(**many, threshold=0.5))


def test_no_match_is_an_empty_list_and_not_null(server):
    response = server.tag(**NOTHING)
    assert response.status_code == 200
    assert response.json()["labels"] == []


@pytest.mark.parametrize("threshold", [0, 1, 0.5, 0.0])
def test_whole_numbers_and_fractions_are_thresholds(server, threshold):
    assert server.tag(**PLAIN | {"threshold": threshold}).status_code == 200


OPTIONAL = "descriptions text_type threshold priority cache image file classifier examples".split()


@pytest.mark.parametrize("field", OPTIONAL)
def test_null_means_that_an_optional_field_was_not_given(server, field):
    without = {name: value for name, value in PLAIN.items() if name != field}
    assert confidences(server.tag(**without | {field: None})) == confidences(server.tag(**without))


@pytest.mark.parametrize("more", [{"model": "x"}, {"speed": "fast", "source": 1}, {"extra": {"deep": [None, {}]}}])
def test_unknown_fields_are_ignored(server, scores, more):
    assert confidences(server.tag(**PLAIN | more)) == scores


@pytest.mark.parametrize("priority", ["standard", "fast"])
def test_priority_does_not_change_the_answer(server, scores, priority):
    assert confidences(server.tag(**PLAIN | {"priority": priority})) == scores


class GatedTagger(Tagger):
    """The embedded model; notes the texts as they are worked on, which waits for `gate`."""

    def __init__(self, whole):
        self.__dict__.update(whole.__dict__)
        self.worked, self.gate = [], threading.Event()

    def read(self, text, labels):
        self.worked.append(text)
        self.gate.wait(30)
        return super().read(text, labels)


@pytest.fixture
def queued(monkeypatch):
    """The lanes of the jobs that were put in the queue."""
    lanes, run = [], Scheduler.run

    def noted(self, job, lane):
        lanes.append(lane)
        return run(self, job, lane)

    monkeypatch.setattr(Scheduler, "run", noted)
    return lanes


def test_a_fast_request_overtakes_a_waiting_standard_one(serve, tagger, until, queued):
    gated = GatedTagger(tagger)
    with serve(tagger=gated, workers=1) as server, ThreadPoolExecutor(3) as clients:
        answers = [clients.submit(server.tag, text="first", labels=["a"])]
        until(lambda: gated.worked)
        for waiting, priority in enumerate(("standard", "fast"), start=1):
            answers.append(clients.submit(server.tag, text=priority, labels=["a"], priority=priority))
            until(lambda jobs=1 + waiting: len(queued) == jobs)
        gated.gate.set()
        assert [answer.result().status_code for answer in answers] == [200, 200, 200]
    assert gated.worked == ["first", "fast", "standard"]


@pytest.mark.parametrize("cache", [True, False])
def test_cache_is_accepted(server, scores, cache):
    assert confidences(server.tag(**PLAIN | {"cache": cache})) == scores


def test_the_text_type_is_part_of_what_is_judged(server, scores):
    judged = confidences(server.tag(**PLAIN, text_type="support ticket"))
    assert set(judged) == set(scores)
    assert judged != scores


def test_a_description_is_part_of_what_its_label_is_judged_by(server, scores):
    judged = confidences(server.tag(**PLAIN, descriptions={"sports": "Matches, athletes, tournaments"}))
    assert judged["sports"] != scores["sports"]
    assert {label: judged[label] for label in judged if label != "sports"} == {
        label: scores[label] for label in scores if label != "sports"
    }


@pytest.mark.parametrize("label", ["Größe & Maß", "売上 📈", '"quoted" \\ {label}', "x" * 100])
def test_labels_come_back_as_they_were_sent(server, label):
    assert list(confidences(server.tag(text=NEWS, labels=[label], threshold=0))) == [label]


def test_two_hundred_labels_are_answered(server):
    labels = [f"label {number}" for number in range(200)]
    assert set(confidences(server.tag(text=NEWS, labels=labels, threshold=0))) == set(labels)


def test_more_text_has_more_tokens(server):
    short, long = (server.tag(text=NEWS * times, labels=["a"]).json()["tokens"] for times in (1, 3))
    assert 0 < short < long


def test_the_tokens_header_repeats_the_body(server):
    response = server.tag(**PLAIN)
    assert response.headers["x-tokens-used"] == str(response.json()["tokens"])


def test_a_trailing_slash_does_not_redirect(server, scores):
    assert confidences(server.client.post("/v1/tag/", json=PLAIN)) == scores


def test_a_content_type_with_a_charset_is_json(server, scores):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert confidences(server.client.post("/v1/tag", json=PLAIN, headers=headers)) == scores


def test_twenty_clients_at_once_get_the_answers_that_one_client_gets(server):
    bodies = [
        {
            "text": f"{NEWS}, says report {number}. " * (1 if number % 4 else 31),
            "labels": NEWS_LABELS[number % 3 :],
            "threshold": 0,
            "priority": ("fast", "standard")[number % 2],
            "cache": False,
        }
        for number in range(20)
    ]
    alone = [confidences(server.tag(**body)) for body in bodies]
    with ThreadPoolExecutor(20) as clients:
        together = list(clients.map(lambda body: confidences(server.tag(**body)), bodies))
    assert together == alone
