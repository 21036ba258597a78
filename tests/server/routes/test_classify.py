"""POST /v1/classify: the one label that fits best."""

import math

import pytest
from support import NEWS, NEWS_LABELS

PLAIN = {"text": NEWS, "labels": NEWS_LABELS, "cache": False}


def classify(server, **body):
    return server.client.post("/v1/classify", json=body)


@pytest.fixture(scope="module")
def probabilities(server):
    """Of each label by itself, as /v1/tag has them."""
    scored = server.tag(**PLAIN, threshold=0).json()["labels"]
    return {label["label"]: label["confidence"] for label in scored}


def test_the_answer_has_the_documented_fields(server):
    body = classify(server, **PLAIN).json()
    assert {name: type(value) for name, value in body.items()} == {
        "label": str,
        "confidence": float,
        "tokens": int,
        "latency_ms": float,
        "cached": bool,
    }


def test_the_label_is_the_most_probable_one(server, probabilities):
    assert classify(server, **PLAIN).json()["label"] == max(probabilities, key=probabilities.get)


def test_the_confidence_is_the_softmax_share_among_the_labels(server, probabilities):
    odds = {label: p / (1 - p) for label, p in probabilities.items()}
    answer = classify(server, **PLAIN).json()
    assert answer["confidence"] == pytest.approx(odds[answer["label"]] / sum(odds.values()), abs=0.01)


def test_fewer_rivals_leave_a_larger_share(server):
    best = classify(server, **PLAIN).json()
    alone = classify(server, **PLAIN | {"labels": [best["label"], "cooking recipe"]}).json()
    assert alone["label"] == best["label"]
    assert alone["confidence"] > best["confidence"]


@pytest.mark.parametrize("label", NEWS_LABELS)
def test_a_lone_label_has_its_own_probability(server, probabilities, label):
    answer = classify(server, **PLAIN | {"labels": [label]}).json()
    assert (answer["label"], answer["confidence"]) == (label, pytest.approx(probabilities[label], abs=0.0002))


@pytest.mark.parametrize("labels", [["b", "a", "c"], ["c", "b", "a"]])
def test_of_labels_that_tie_the_first_one_asked_wins(serve, decided, labels):
    with serve(tagger=decided(-1.0)) as server:
        for cached in (False, True):
            answer = classify(server, text=NEWS, labels=labels).json()
            assert (answer["label"], answer["confidence"], answer["cached"]) == (labels[0], 0.3333, cached)


@pytest.mark.parametrize("logit", [-200.0, 0.0, 200.0])
def test_scores_of_any_size_are_confidences(serve, decided, logit):
    with serve(tagger=decided(logit)) as server:
        assert classify(server, text=NEWS, labels=["a"]).json()["confidence"] == round(1 / (1 + math.exp(-logit)), 4)
        assert classify(server, text=NEWS, labels=["a", "b"]).json()["confidence"] == 0.5


def test_descriptions_and_text_type_are_part_of_what_is_judged(server):
    plain = classify(server, **PLAIN).json()["confidence"]
    described = {"technology": "Hardware and software", "finance": "Markets, prices, and money"}
    assert classify(server, **PLAIN, descriptions=described).json()["confidence"] != plain
    assert classify(server, **PLAIN, text_type="headline").json()["confidence"] != plain


@pytest.mark.parametrize("priority", ["fast", "standard"])
def test_the_priority_is_the_lane_of_the_queue(server, jobs, priority):
    assert classify(server, **PLAIN, priority=priority).status_code == 200
    assert set(jobs) == {priority}


def test_without_a_priority_the_lane_is_the_standard_one(server, jobs):
    classify(server, **PLAIN)
    assert set(jobs) == {"standard"}


def test_the_second_answer_is_the_first_one_from_the_cache(server):
    asked = {"text": f"{NEWS}, for classify", "labels": NEWS_LABELS}
    first, second, afresh = (classify(server, **asked | more) for more in ({}, {}, {"cache": False}))
    bodies = [answer.json() | {"latency_ms": None} for answer in (first, second, afresh)]
    assert [body.pop("cached") for body in bodies] == [False, True, False]
    assert bodies[0] == bodies[1] == bodies[2]
    assert [answer.headers["x-cache"] for answer in (first, second, afresh)] == ["MISS", "HIT", "MISS"]
    assert second.headers["x-tokens-used"] == "0"


def test_an_answer_of_tag_is_one_for_classify(server):
    asked = {"text": f"{NEWS}, for both", "labels": NEWS_LABELS}
    server.tag(**asked)
    assert classify(server, **asked).json()["cached"] is True


def test_a_saved_classifier_stands_for_its_labels(server):
    content = {"labels": NEWS_LABELS, "descriptions": {"finance": "Markets and money"}, "text_type": "headline"}
    assert server.client.post("/v1/classifiers", json={"name": "for-classify"} | content).status_code == 201
    inline = classify(server, text=NEWS, **content).json()
    saved = classify(server, text=NEWS, classifier="for-classify@v1").json()
    assert [saved[field] for field in ("label", "confidence", "tokens")] == [
        inline[field] for field in ("label", "confidence", "tokens")
    ]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"labels": NEWS_LABELS}, 422, "text"),
        ({"text": "", "labels": NEWS_LABELS}, 422, "text"),
        ({"text": NEWS}, 422, "labels"),
        ({"text": NEWS, "labels": []}, 422, "labels"),
        ({"text": NEWS, "labels": ["a", "a"]}, 422, "labels"),
        ({"text": NEWS, "labels": ["a"], "descriptions": {"b": "c"}}, 422, "descriptions"),
        ({"text": NEWS, "labels": ["a"], "priority": "slow"}, 422, "priority"),
        ({"text": NEWS, "labels": ["a"], "image": "aGk="}, 422, "image"),
        ({"text": NEWS, "labels": ["a"], "classifier": "news"}, 422, "labels"),
        ({"text": NEWS, "classifier": "unknown"}, 404, "classifier"),
    ],
)
def test_a_bad_field_is_named(server, error_of, body, status, field):
    response = classify(server, **body)
    assert (response.status_code, error_of(response)["details"]) == (status, {"field": field})


def test_a_threshold_is_none_of_its_fields(server):
    assert classify(server, **PLAIN, threshold=2).status_code == 200
