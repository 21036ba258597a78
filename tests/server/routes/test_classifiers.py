"""/v1/classifiers: saved label sets with immutable versions and movable aliases."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from support import NEWS, NEWS_LABELS

CLASSIFIERS = "/v1/classifiers"
NUMBERS = count()


@pytest.fixture
def name():
    """A name that no other test has."""
    return f"classifier-{next(NUMBERS)}"


def save(server, name, labels=("a",), **more):
    return server.client.post(CLASSIFIERS, json={"name": name, "labels": labels} | more)


def show(server, reference):
    return server.client.get(f"{CLASSIFIERS}/{reference}")


def point(server, name, alias, version):
    return server.client.put(f"{CLASSIFIERS}/{name}/aliases/{alias}", json={"version": version})


def roll_back(server, name, alias):
    return server.client.post(f"{CLASSIFIERS}/{name}/aliases/{alias}/rollback")


def tagged(server, **body):
    response = server.tag(text=NEWS, **body)
    assert response.status_code == 200
    return {scored["label"]: scored["confidence"] for scored in response.json()["labels"]}


# saving


def test_what_is_saved_is_shown(server, name):
    content = {
        "labels": ["billing", "bug report"],
        "descriptions": {"billing": "Invoices and payments"},
        "examples": {"bug report": ["It crashes", "It hangs"]},
        "text_type": "support ticket",
        "threshold": {"billing": 0.4},
        "mode": "single",
    }
    response = save(server, name, **content)
    saved = response.json()
    created = datetime.fromisoformat(saved.pop("created_at"))
    assert response.status_code == 201
    assert saved == content | {"name": name, "version": 1, "classifier": f"{name}@v1"}
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)
    shown = show(server, name).json()
    assert shown == {"name": name, "versions": [1], "aliases": {}, "newest": response.json()}
    assert show(server, f"{name}@v1").json() == response.json()


def test_what_is_not_given_has_its_default(server, name):
    saved = save(server, name).json()
    defaults = {"descriptions": {}, "examples": {}, "text_type": None, "threshold": 0.5, "mode": "multi"}
    assert {field: saved[field] for field in defaults} == defaults


SAME = [
    {},
    {"threshold": 0.5},
    {"mode": "multi", "descriptions": {}, "examples": {"a": []}, "text_type": " "},
    {"labels": [" a ", "b"], "descriptions": {"b": "  "}},
]


@pytest.mark.parametrize("same", SAME, ids=str)
def test_saving_the_same_again_makes_no_version(server, name, same):
    first = save(server, name, ["a", "b"])
    again = server.client.post(CLASSIFIERS, json={"name": name, "labels": ["a", "b"]} | same)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert show(server, name).json()["versions"] == [1]


CHANGES = [
    {"labels": ["b", "a"]},
    {"labels": ["a", "b", "c"]},
    {"labels": ["A", "b"]},
    {"threshold": 0.4},
    {"threshold": {"a": 0.4}},
    {"descriptions": {"a": "b"}},
    {"text_type": "tweet"},
    {"mode": "single"},
    {"examples": {"a": ["text"]}},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("path", ["", "/{name}/versions"])
def test_saving_anything_else_makes_the_next_version(server, name, path, change):
    save(server, name, ["a", "b"])
    body = {"name": name, "labels": ["a", "b"]} | change
    response = server.client.post(CLASSIFIERS + path.format(name=name), json=body)
    assert (response.status_code, response.json()["classifier"]) == (201, f"{name}@v2")
    assert show(server, f"{name}@v1").json()["labels"] == ["a", "b"]
    assert show(server, name).json()["newest"] == response.json()


def test_a_version_can_come_back(server, name):
    numbers = [save(server, name, labels).json()["version"] for labels in (["a"], ["b"], ["a"], ["a"])]
    assert numbers == [1, 2, 3, 3]


def test_a_new_version_wants_a_classifier(server, name, error_of):
    response = server.client.post(f"{CLASSIFIERS}/{name}/versions", json={"labels": ["a"]})
    assert (response.status_code, error_of(response)["details"]) == (404, {"field": "classifier"})
    save(server, name)
    again = server.client.post(f"{CLASSIFIERS}/{name}/versions", json={"labels": ["a"]})
    assert (again.status_code, again.json()["version"]) == (200, 1)


INVALID = [
    ({"labels": []}, "labels", "send at least one label"),
    ({"labels": ["a", " a"]}, "labels", "unique"),
    ({"labels": ["x"] * 201}, "labels", "at most 200"),
    ({"labels": ["a\nb"]}, "labels", "U+000A"),
    ({"labels": "a"}, "labels", "Expected `array"),
    ({"descriptions": {"b": "c"}}, "descriptions", "not one of the labels"),
    ({"descriptions": {"a": "x" * 401}}, "descriptions", "at most 400"),
    ({"examples": {"b": ["c"]}}, "examples", "not one of the labels"),
    ({"examples": {"a": [" "]}}, "examples", "empty text"),
    ({"examples": {"a": ["x"] * 1001}}, "examples", "1000"),
    ({"examples": {"a": ["x" * 10_001]}}, "examples", "10001"),
    ({"text_type": "x" * 101}, "text_type", "at most 100"),
    ({"threshold": 1.1}, "threshold", "from 0 to 1"),
    ({"threshold": "high"}, "threshold", "Expected `number"),
    ({"threshold": {"a": -1}}, "threshold", "from 0 to 1"),
    ({"threshold": {"b": 0.5}}, "threshold", "not one of the labels"),
    ({"mode": "some"}, "mode", "'some'"),
    ({"name": "Upper"}, "name", "a-z, 0-9"),
    ({"name": "a/b"}, "name", "a-z, 0-9"),
    ({"name": ".."}, "name", "a-z, 0-9"),
    ({"name": "a@v1"}, "name", "a-z, 0-9"),
    ({"name": "-a"}, "name", "begin and end"),
    ({"name": "größe"}, "name", "a-z, 0-9"),
    ({"name": "a\n"}, "name", "a-z, 0-9"),
    ({"name": ""}, "name", "1 to 64"),
    ({"name": "x" * 65}, "name", "1 to 64"),
    ({"name": None}, "name", "Expected `string"),
]


@pytest.mark.parametrize(("change", "field", "advice"), INVALID, ids=[f"{row[1]}: {row[2]}" for row in INVALID])
def test_what_cannot_be_saved_is_422_with_its_field(server, name, error_of, change, field, advice):
    response = save(server, **{"name": name, "labels": ["a"]} | change)
    error = error_of(response)
    assert (response.status_code, error["details"]) == (422, {"field": field})
    assert advice in error["message"]


@pytest.mark.parametrize("name", ["a", "0", "x" * 64, "a-b_c-1", "v1"])
def test_these_are_names(server, name):
    assert save(server, name).is_success
    assert tagged(server, classifier=name, threshold=0).keys() == {"a"}


# using


def test_a_classifier_answers_as_its_labels_sent_inline(server, name):
    content = {"labels": NEWS_LABELS, "descriptions": {"finance": "Markets and money"}, "text_type": "headline"}
    save(server, name, **content)
    for threshold in ({}, {"threshold": 0}, {"threshold": 0.9}):
        inline = tagged(server, cache=False, **content, **threshold)
        assert tagged(server, classifier=name, **threshold) == inline


def test_each_label_is_held_to_its_own_threshold(server, name):
    scores = tagged(server, labels=NEWS_LABELS, threshold=0)
    best = max(scores, key=scores.get)
    exact = {label: score + 0.0001 if label == best else score for label, score in scores.items()}
    save(server, name, NEWS_LABELS, threshold=exact)
    assert tagged(server, classifier=name) == {label: score for label, score in scores.items() if label != best}


def test_a_label_without_a_threshold_of_its_own_has_the_default(server, name):
    scores = tagged(server, labels=NEWS_LABELS, threshold=0)
    save(server, name, NEWS_LABELS, threshold={"politics": 0})
    kept = tagged(server, classifier=name)
    assert kept == {label: score for label, score in scores.items() if score >= 0.5 or label == "politics"}


def test_one_threshold_is_for_all_labels(server, name):
    save(server, name, NEWS_LABELS, threshold=0)
    assert tagged(server, classifier=name).keys() == set(NEWS_LABELS)


def test_the_threshold_of_the_request_goes_before_those_of_the_classifier(server, name):
    save(server, name, NEWS_LABELS, threshold=dict.fromkeys(NEWS_LABELS, 1))
    assert tagged(server, classifier=name) == {}
    assert tagged(server, classifier=name, threshold=0).keys() == set(NEWS_LABELS)


@pytest.mark.parametrize("beside", [{"labels": []}, {"labels": None}, {"descriptions": {}}, {"text_type": ""}])
def test_nothing_beside_a_classifier_is_accepted(server, name, beside):
    save(server, name, NEWS_LABELS, threshold=0)
    assert tagged(server, classifier=name, **beside).keys() == set(NEWS_LABELS)


@pytest.mark.parametrize("beside", [{"labels": ["x"]}, {"descriptions": {"a": "x"}}, {"text_type": "x"}], ids=str)
def test_something_beside_a_classifier_is_422(server, name, error_of, beside):
    save(server, name)
    response = server.tag(text=NEWS, classifier=name, **beside)
    [field] = beside
    assert (response.status_code, error_of(response)["details"]) == (422, {"field": field})


def test_a_pinned_version_keeps_its_answer(server, name):
    save(server, name, ["technology", "sports"], threshold=0)
    before = tagged(server, classifier=f"{name}@v1")
    save(server, name, ["technology", "politics"], threshold=0, descriptions={"technology": "Software"})
    assert tagged(server, classifier=f"{name}@v1", cache=False) == before
    assert tagged(server, classifier=name).keys() == {"technology", "politics"}
    assert tagged(server, classifier=f"{name}@v2") == tagged(server, classifier=name)


UNKNOWN = ["{name}@v2", "{name}@v01", "{name}@v0", "{name}@live", "{name}x", "{name}@v99999999999999999999"]


@pytest.mark.parametrize("reference", UNKNOWN)
@pytest.mark.parametrize("ask", [show, lambda server, which: server.tag(text=NEWS, classifier=which)])
def test_what_is_not_there_is_404(server, name, error_of, ask, reference):
    save(server, name)
    response = ask(server, reference.format(name=name))
    assert (response.status_code, error_of(response)["details"]) == (404, {"field": "classifier"})


# aliases


def test_an_alias_is_moved_and_rolled_back(server, name):
    for labels in (["a"], ["b"], ["c"]):
        save(server, name, labels, threshold=0)

    def meaning():
        assert show(server, name).json()["aliases"] == {"live": show(server, f"{name}@live").json()["version"]}
        return set(tagged(server, classifier=f"{name}@live"))

    means = []
    for version in (1, 2, 2, 3):
        assert point(server, name, "live", version).json() == {"name": name, "alias": "live", "version": version}
        means.append(meaning())
    assert means == [{"a"}, {"b"}, {"b"}, {"c"}]
    for version, label in ((2, "b"), (1, "a")):
        assert roll_back(server, name, "live").json() == {"name": name, "alias": "live", "version": version}
        assert meaning() == {label}


def test_rolling_back_further_than_an_alias_has_moved_is_409(server, name, error_of):
    save(server, name)
    point(server, name, "live", 1)
    response = roll_back(server, name, "live")
    assert (response.status_code, error_of(response)["code"]) == (409, "CONFLICT")
    assert "nothing to roll back to" in response.json()["message"]


def test_an_alias_is_deleted_and_the_version_stays(server, name, error_of):
    save(server, name)
    point(server, name, "live", 1)
    aliases = f"{CLASSIFIERS}/{name}/aliases"
    assert server.client.delete(f"{aliases}/live").json() == {"deleted": f"{name}@live"}
    assert show(server, f"{name}@live").status_code == 404
    assert show(server, f"{name}@v1").status_code == 200
    gone = server.client.delete(f"{aliases}/live")
    assert (gone.status_code, error_of(gone)["details"]) == (404, {"field": "alias"})


@pytest.mark.parametrize(
    ("alias", "version", "status", "field"),
    [
        ("live", 9, 404, "version"),
        ("live", 10**30, 404, "version"),
        ("live", 0, 422, "version"),
        ("live", "one", 422, "version"),
        ("live", None, 422, "version"),
        ("v1", 1, 422, "alias"),
        ("LIVE", 1, 422, "alias"),
        ("a@b", 1, 422, "alias"),
        ("x" * 65, 1, 422, "alias"),
    ],
)
def test_an_alias_that_cannot_be_made_says_why(server, name, error_of, alias, version, status, field):
    save(server, name)
    response = point(server, name, alias, version)
    assert (response.status_code, error_of(response)["details"]) == (status, {"field": field})


@pytest.mark.parametrize("move", [lambda *at: point(*at, 1), roll_back], ids=["move", "roll back"])
def test_an_alias_wants_a_classifier(server, name, error_of, move):
    response = move(server, name, "live")
    assert (response.status_code, error_of(response)["details"]) == (404, {"field": "classifier"})


# deleting


def test_a_deleted_classifier_is_gone_and_its_numbers_are_not_given_again(server, name):
    save(server, name, ["a"])
    save(server, name, ["b"])
    point(server, name, "live", 1)
    assert server.client.delete(f"{CLASSIFIERS}/{name}").json() == {"deleted": name}
    references = [name, f"{name}@v1", f"{name}@live"]
    assert [show(server, reference).status_code for reference in references] == [404] * 3
    assert server.client.delete(f"{CLASSIFIERS}/{name}").status_code == 404
    again = save(server, name, ["a"])
    assert (again.status_code, again.json()["classifier"]) == (201, f"{name}@v3")
    assert show(server, f"{name}@v1").status_code == 404
    assert show(server, name).json()["aliases"] == {}


def test_one_version_is_deleted(server, name):
    for labels in (["a"], ["b"], ["c"]):
        save(server, name, labels)
    assert server.client.delete(f"{CLASSIFIERS}/{name}@v3").json() == {"deleted": f"{name}@v3"}
    assert show(server, name).json()["versions"] == [1, 2]
    assert show(server, name).json()["newest"]["version"] == 2
    assert save(server, name, ["c"]).json()["version"] == 4


def test_a_version_that_an_alias_has_left_takes_it_out_of_the_way_back(server, name):
    for labels in (["a"], ["b"], ["c"]):
        save(server, name, labels)
        point(server, name, "live", show(server, name).json()["newest"]["version"])
    server.client.delete(f"{CLASSIFIERS}/{name}@v2")
    assert roll_back(server, name, "live").json()["version"] == 1


@pytest.mark.parametrize(
    ("reference", "status", "advice"),
    [
        ("{name}@v1", 409, "move or delete the alias first"),
        ("{name}@live", 409, "/aliases/live"),
        ("{name}@v9", 404, "no version 9"),
        ("{name}@", 422, "1 to 64"),
    ],
)
def test_a_version_that_cannot_be_deleted_says_why(server, name, error_of, reference, status, advice):
    save(server, name)
    point(server, name, "live", 1)
    response = server.client.delete(f"{CLASSIFIERS}/{reference.format(name=name)}")
    assert response.status_code == status
    assert advice in error_of(response)["message"]
    assert show(server, name).json()["versions"] == [1]


# listing


def test_versions_are_listed_oldest_first(server, name):
    saved = [save(server, name, labels).json() for labels in (["a"], ["b"])]
    assert server.client.get(f"{CLASSIFIERS}/{name}/versions").json() == {"versions": saved}


def test_classifiers_are_listed_page_by_page(serve):
    names = ["a", "b-1", "b_1", "c", "d"]
    with serve() as server:
        for name in reversed(names):
            save(server, name)
        save(server, "gone")
        server.client.delete(f"{CLASSIFIERS}/gone")
        pages, after = [], ""
        while after is not None:
            page = server.client.get(CLASSIFIERS, params={"after": after, "limit": 2}).json()
            pages.append([classifier["name"] for classifier in page["classifiers"]])
            after = page["next"]
        assert pages == [names[:2], names[2:4], names[4:]]
        everything = server.client.get(CLASSIFIERS, params={"limit": 5}).json()
        assert everything["classifiers"] == [show(server, name).json() for name in names]
        assert everything["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=1.5", "limit=", "after=" + "a" * 65])
def test_a_bad_query_is_422_with_its_field(server, error_of, query):
    response = server.client.get(f"{CLASSIFIERS}?{query}")
    assert (response.status_code, error_of(response)["details"]) == (422, {"field": query.partition("=")[0]})


# names that are tricks

TRICKS = [
    *("%2e%2e", "%2e%2e%2f", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "a%2fb", "..%5c..", "a%00", "%00", "%ff%fe", "a%0a"),
    *(
        "%ED%A0%80",
        "größe",
        "%F0%9F%93%88",
        "@",
        "@v1",
        "a@@v1",
        "a@v1@v1",
        "%40",
        "%25",
        "a%20b",
        "'",
        "*",
        "%7Bname%7D",
    ),
    *("x" * 10_000, "a@" + "x" * 10_000, "v" + "9" * 1_000),
]
PLACES = [
    ("GET", "/{trick}"),
    ("DELETE", "/{trick}"),
    ("GET", "/{trick}/versions"),
    ("POST", "/{trick}/versions"),
    ("PUT", "/{trick}/aliases/live"),
    ("PUT", "/tricked/aliases/{trick}"),
    ("DELETE", "/tricked/aliases/{trick}"),
    ("POST", "/tricked/aliases/{trick}/rollback"),
    ("POST", "/{trick}/aliases/live/rollback"),
]


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick[:20])
def test_a_name_that_is_a_trick_is_refused_everywhere(server, error_of, trick):
    save(server, "tricked")
    for method, place in PLACES:
        body = {"labels": ["a"], "version": 1} if method in ("POST", "PUT") else None
        response = server.client.request(method, CLASSIFIERS + place.format(trick=trick), json=body)
        assert response.status_code in (404, 405, 422)
        error_of(response)
    assert show(server, "tricked").json()["aliases"] == {}
