"""What bad requests get: exact status, code and field, a message that says what to do, and never a 5xx."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import NEWS

from server import errors
from server.errors import ApiError

JSON = {"Content-Type": "application/json"}
GOOD = {"text": NEWS, "labels": ["technology", "sports"]}
DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECT = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
LONG_TEXT = "word " * 5_000
SECRET = "the patient is called Zebedee"


def without(field):
    return {name: value for name, value in GOOD.items() if name != field}


def post(server, body):
    return server.client.post("/v1/tag", content=body, headers=JSON)


INVALID_FIELDS = [
    ("no text", without("text"), "text", "send the text"),
    ("null text", GOOD | {"text": None}, "text", "send the text"),
    ("empty text", GOOD | {"text": ""}, "text", "send the text"),
    ("blank text", GOOD | {"text": " \n\t "}, "text", "send the text"),
    ("number as text", GOOD | {"text": 1}, "text", "Expected `string"),
    ("control character in text", GOOD | {"text": "a\x00b"}, "text", "U+0000 at position 1; remove it"),
    ("no labels", without("labels"), "labels", "send at least one label"),
    ("null labels", GOOD | {"labels": None}, "labels", "send at least one label"),
    ("empty list of labels", GOOD | {"labels": []}, "labels", "send at least one label"),
    ("201 labels", GOOD | {"labels": [f"{n}" for n in range(201)]}, "labels", "at most 200"),
    ("label of 101 characters", GOOD | {"labels": ["x" * 101]}, "labels", "at most 100"),
    ("duplicate labels", GOOD | {"labels": ["a", "b", "a"]}, "labels", "unique: 'a'"),
    ("labels that differ in space only", GOOD | {"labels": ["a", " a "]}, "labels", "unique: 'a'"),
    ("empty label", GOOD | {"labels": ["a", ""]}, "labels", "remove it"),
    ("blank label", GOOD | {"labels": ["a", "  "]}, "labels", "remove it"),
    ("labels as a string", GOOD | {"labels": "sports"}, "labels", "Expected `array"),
    ("number as label", GOOD | {"labels": [1]}, "labels[0]", "Expected `string`, got `number`"),
    ("null as label", GOOD | {"labels": ["a", None]}, "labels[1]", "Expected `string`"),
    ("line break in label", GOOD | {"labels": ["a\nb"]}, "labels", "U+000A at position 1; remove it"),
    ("description of an unknown label", GOOD | {"descriptions": {"x": "y"}}, "descriptions", "not one of the labels"),
    ("description of 401 characters", GOOD | {"descriptions": {"sports": "x" * 401}}, "descriptions", "at most 400"),
    ("descriptions as a list", GOOD | {"descriptions": ["y"]}, "descriptions", "Expected `object"),
    ("text type of 101 characters", GOOD | {"text_type": "x" * 101}, "text_type", "at most 100"),
    ("threshold above 1", GOOD | {"threshold": 1.5}, "threshold", "must be from 0 to 1"),
    ("threshold below 0", GOOD | {"threshold": -0.1}, "threshold", "must be from 0 to 1"),
    ("string as threshold", GOOD | {"threshold": "high"}, "threshold", "Expected `number"),
    ("true as threshold", GOOD | {"threshold": True}, "threshold", "Expected `number"),
    ("unknown priority", GOOD | {"priority": "slow"}, "priority", "standard"),
    ("string as cache", GOOD | {"cache": "no"}, "cache", "Expected `true or false"),
    ("an image", GOOD | {"image": "aGk="}, "image", "not supported"),
    ("images", without("text") | {"image": ["aGk="]}, "image", "not supported"),
    ("a file", GOOD | {"file": "aGk="}, "file", "not supported"),
    ("labels beside a classifier", GOOD | {"classifier": "news"}, "labels", "send one of them"),
    ("text type beside a classifier", {**without("labels"), "classifier": "a", "text_type": "b"}, "text_type", "one"),
    ("no name of a classifier", without("labels") | {"classifier": "no name"}, "classifier", "a-z, 0-9"),
    ("empty name of a classifier", without("labels") | {"classifier": ""}, "classifier", "1 to 64"),
    ("a classifier with an empty alias", without("labels") | {"classifier": "news@"}, "classifier", "1 to 64"),
    ("number as classifier", without("labels") | {"classifier": 1}, "classifier", "Expected `string"),
    ("examples", GOOD | {"examples": {"sports": ["He scored"]}}, "examples", "not supported"),
]


@pytest.mark.parametrize(
    ("body", "field", "advice"), [row[1:] for row in INVALID_FIELDS], ids=[r[0] for r in INVALID_FIELDS]
)
def test_a_bad_field_is_422_with_its_name_and_advice(server, error_of, body, field, advice):
    response = server.tag(**body)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (422, "VALIDATION_ERROR")
    assert error["details"] == {"field": field}
    assert advice in error["message"]


@pytest.mark.parametrize("body", [b"[1]", b'"a"', b"1", b"true", b"null", b""])
def test_a_body_that_is_not_an_object_is_422_with_an_example(server, error_of, body):
    response = post(server, body)
    error = error_of(response)
    assert (response.status_code, error["code"], "details" in error) == (422, "VALIDATION_ERROR", False)
    assert '{"text": ..., "labels": [...]}' in error["message"]


BROKEN = {
    "half an object": b'{"text": "a", "labels"',
    "something after the object": b"{} {}",
    "not UTF-8": b'{"text": "\xff", "labels": ["a"]}',
    "UTF-16": json.dumps(GOOD).encode("utf-16"),
    "lone surrogate, escaped": b'{"text": "a \\ud800 b", "labels": ["a"]}',
    "lone surrogate, escaped, in a label": b'{"text": "a", "labels": ["\\udfff"]}',
    "lone surrogate, as bytes": b'{"text": "a \xed\xa0\x80 b", "labels": ["a"]}',
    "NaN": b'{"text": "a", "labels": ["a"], "threshold": NaN}',
    "Infinity": b'{"text": "a", "labels": ["a"], "threshold": -Infinity}',
    "100,000 lists": DEEP,
    "100,000 brackets, never closed": b"[" * 100_000,
    "100,000 lists in an unknown field": b'{"text": "a", "labels": ["a"], "x": ' + DEEP + b"}",
    "100,000 lists in image": b'{"text": "a", "labels": ["a"], "image": ' + DEEP + b"}",
    "100,000 objects in image": b'{"text": "a", "labels": ["a"], "image": ' + DEEP_OBJECT + b"}",
    "100,000 objects in text": b'{"labels": ["a"], "text": ' + DEEP_OBJECT + b"}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_json_is_400(server, error_of, body):
    response = post(server, body)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, "INVALID_JSON")
    assert "Send one JSON object in UTF-8" in error["message"]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data"}])
def test_a_body_that_is_not_declared_as_json_is_415(server, error_of, headers):
    response = server.client.post("/v1/tag", content=json.dumps(GOOD), headers=headers)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "'Content-Type: application/json'" in error["message"]


def in_chunks(body):
    yield from (body[start : start + 10_000] for start in range(0, len(body), 10_000))


@pytest.mark.parametrize("sent", [bytes, in_chunks], ids=["with a content length", "in chunks"])
def test_a_body_over_the_limit_is_413_and_the_connection_lives_on(serve, error_of, sent):
    with serve(max_body_bytes=1_000) as server:
        response = post(server, sent(json.dumps(GOOD | {"text": "a" * 100_000}).encode()))
        assert (response.status_code, error_of(response)["code"]) == (413, "BODY_TOO_LARGE")
        assert server.tag(**GOOD).status_code == 200


def test_a_body_of_just_the_limit_is_read(serve):
    body = json.dumps(GOOD).encode()
    with serve(max_body_bytes=len(body)) as server:
        assert post(server, body).status_code == 200
        assert post(server, body + b" ").status_code == 413


def test_a_text_of_more_than_a_million_tokens_is_422(server, error_of):
    response = server.tag(**GOOD | {"text": "a " * 1_000_001})
    error = error_of(response)
    assert (response.status_code, error["code"], error["details"]) == (422, "TEXT_TOO_LONG", {"field": "text"})
    assert "split it" in error["message"]


def test_an_unknown_path_is_404_and_names_the_docs(server, error_of):
    response = server.client.post("/v1/nothing", json=GOOD)
    assert (response.status_code, error_of(response)["code"]) == (404, "NOT_FOUND")
    assert "/docs" in response.json()["message"]


def test_a_wrong_method_is_405(server, error_of):
    response = server.client.get("/v1/tag")
    assert (response.status_code, error_of(response)["code"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("path", "allowed"), [("/v1/tag", "POST"), ("/v1/tag/", "POST"), ("/docs/assets/swagger-ui.css", "GET")]
)
def test_a_405_says_which_methods_are_allowed(server, path, allowed):
    response = server.client.delete(path)
    assert response.status_code == 405
    assert allowed in response.headers.get("allow", "")


# every class of the tree


def with_key(key, path="/v1/tag"):
    return lambda server, *_: server.client.post(path, json=GOOD, headers={"Authorization": f"Bearer {key}"})


def an_alias_that_never_moved(server, *_):
    server.client.post("/v1/classifiers", json={"name": "news", "labels": ["a"]})
    server.client.put("/v1/classifiers/news/aliases/live", json={"version": 1})
    return server.client.post("/v1/classifiers/news/aliases/live/rollback")


def one_request_too_many(server, *_):
    assert server.tag(**GOOD).status_code == 200
    return server.tag(**GOOD | {"text": "Another text"})


def lose(folder, *tables):
    with closing(sqlite3.connect(folder / "nli-tagger.db")) as database:
        for table in tables:
            database.execute(f"DROP TABLE {table}")


def lost_classifiers(server, folder):
    lose(folder, "classifier_alias", "classifier_version", "classifier")
    return server.tag(text=SECRET, classifier="news")


def more_work_than_may_wait(server, *_):
    """Of three at once, one is computed and one waits."""
    with ThreadPoolExecutor(3) as clients:
        answers = list(clients.map(lambda _: server.tag(**GOOD | {"text": LONG_TEXT}), range(3)))
    return next(answer for answer in answers if answer.status_code != 200)


PROVOKED = {
    errors.InvalidJson: ({}, lambda server, *_: post(server, b"{")),
    errors.InvalidApiKey: ({"api_keys": ["right"]}, with_key("wrong")),
    errors.Forbidden: ({"api_keys": ["right"]}, with_key("right", "/v1/keys")),
    errors.NotFound: ({}, lambda server, *_: server.client.get("/nothing")),
    errors.MethodNotAllowed: ({}, lambda server, *_: server.client.delete("/v1/tag")),
    errors.Conflict: ({}, an_alias_that_never_moved),
    errors.BodyTooLarge: ({"max_body_bytes": 10}, lambda server, *_: server.tag(**GOOD)),
    errors.UnsupportedMediaType: ({}, lambda server, *_: server.client.post("/v1/tag", data=GOOD)),
    errors.ValidationError: ({}, lambda server, *_: server.tag(**GOOD | {"threshold": 2})),
    errors.TextTooLong: ({}, lambda server, *_: server.tag(**GOOD | {"text": "a " * 1_000_001})),
    errors.RateLimited: ({"requests_per_minute": 1}, one_request_too_many),
    errors.StoreUnavailable: ({}, lost_classifiers),
    errors.ServerBusy: ({"workers": 1, "max_queue": 1}, more_work_than_may_wait),
    errors.DeadlineExceeded: ({"timeout": 0.05}, lambda server, *_: server.tag(**GOOD | {"text": LONG_TEXT})),
}

WORTH_TRYING_AGAIN = {errors.RateLimited, errors.ServerBusy, errors.StoreUnavailable}


@pytest.mark.parametrize("kind", PROVOKED, ids=lambda kind: kind.__name__)
def test_each_class_of_the_tree_leaves_with_its_status_and_code(serve, error_of, tmp_path, kind):
    settings, provoke = PROVOKED[kind]
    with serve(**settings) as server:
        response = provoke(server, tmp_path)
        assert (response.status_code, error_of(response)["code"]) == (kind.status, kind.code)
        assert ("retry-after" in response.headers) == (kind in WORTH_TRYING_AGAIN)


class Panic(BaseException):
    """What native code raises when it breaks: not an `Exception`."""


@pytest.mark.parametrize("kind", [RuntimeError, Panic])
def test_a_failure_of_the_model_is_a_500_that_tells_and_logs_nothing_of_the_text(serve, broken, error_of, log, kind):
    with serve(tagger=broken(kind(SECRET))) as server:
        response = server.tag(**GOOD)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (500, "INTERNAL_ERROR")
    assert SECRET not in response.text + log.text()


def test_a_failure_of_the_model_is_logged_under_the_request_id_of_the_answer(serve, broken, log):
    with serve(tagger=broken(RuntimeError(SECRET))) as server:
        request_id = server.tag(**GOOD).headers["x-request-id"]
    [line] = log.lines(event="unhandled")
    assert (line["request_id"], line["error"]) == (request_id, "RuntimeError")


@pytest.mark.parametrize("error", [RecursionError(), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), ValueError()])
def test_a_failure_of_the_model_is_never_blamed_on_the_client(serve, broken, error):
    with serve(tagger=broken(error)) as server:
        assert server.tag(**GOOD).status_code == 500


def test_a_database_that_fails_is_logged_without_what_was_asked_and_the_rest_goes_on(serve, log, tmp_path):
    with serve() as server:
        failed = lost_classifiers(server, tmp_path)
        assert server.tag(**GOOD).status_code == 200
    [line] = log.lines(event="unhandled")
    assert line["request_id"] == failed.headers["x-request-id"]
    assert SECRET not in log.text()


@pytest.mark.parametrize(
    ("table", "path"), [("api_key", "/v1/keys"), ("usage", "/v1/usage"), ("request_record", "/v1/logs")]
)
def test_whatever_the_database_has_lost_is_503(serve, error_of, tmp_path, table, path):
    with serve(admin_keys=["admin-key"]) as server:
        server.client.headers["Authorization"] = "Bearer admin-key"
        lose(tmp_path, table)
        response = server.client.get(path)
        assert (response.status_code, error_of(response)["code"]) == (503, "STORE_UNAVAILABLE")


def test_without_its_database_a_server_knows_the_keys_of_its_settings_only(serve, error_of, tmp_path):
    with serve(api_keys=["tag-key"]) as server:
        lose(tmp_path, "api_key")
        answers = [with_key(key)(server) for key in ("tag-key", "another-key")]
        assert [answer.status_code for answer in answers] == [200, 503]
        assert error_of(answers[1])["code"] == "STORE_UNAVAILABLE"


def test_every_class_of_the_tree_is_provoked():
    tree = {kind for kind in ApiError.__subclasses__() if kind.__module__ == errors.__name__}
    assert {*PROVOKED, errors.InternalError, errors.ClientGone} == tree


# anything at all

any_text = st.text(st.characters(), max_size=40)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | any_text
any_json = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4), max_leaves=12
)
labels = st.lists(st.sampled_from(["a", "b", "news", ""]) | any_text, max_size=5)
tag_bodies = st.fixed_dictionaries(
    {},
    optional={
        "text": any_text | any_json,
        "labels": labels | any_json,
        "descriptions": st.dictionaries(st.sampled_from(["a", "b"]), any_text) | any_json,
        "text_type": any_text | any_json,
        "threshold": st.floats(0, 1) | any_json,
        "priority": st.sampled_from(["fast", "standard"]) | any_json,
        "cache": st.booleans() | any_json,
        "classifier": st.sampled_from(["a", "a@v1", "a@b"]) | any_json,
        "image": st.none() | any_json,
        "unknown": any_json,
    },
)
json_bodies = (tag_bodies | any_json).map(lambda value: json.dumps(value).encode())


@settings(max_examples=150, deadline=None, database=None)
@given(body=json_bodies | st.binary(max_size=200))
@example(body=b'{"text": "a", "labels": ["a"], "threshold": 1e999}')
@example(body=b'{"text": "a", "labels": ["a"], "threshold": ' + b"9" * 5_000 + b"}")
@example(body=b"\xef\xbb\xbf{}")
def test_any_body_gets_an_answer_or_a_documented_error(server, error_of, body):
    response = post(server, body)
    assert response.status_code in {200, 400, 404, 413, 415, 422}
    if response.status_code != 200:
        error_of(response)


any_header = st.binary(max_size=30).filter(lambda value: not set(value) & {0, 10, 13})


@settings(max_examples=30, deadline=None, database=None)
@given(media_type=any_header, authorization=any_header)
def test_any_header_gets_an_answer_or_a_documented_error(server, error_of, media_type, authorization):
    headers = {"Content-Type": media_type.strip(), "Authorization": authorization.strip()}
    try:
        response = server.client.post("/v1/tag", json=GOOD, headers=headers)
    except httpx.LocalProtocolError:  # the client itself does not send such a header
        return
    assert response.status_code in {200, 415}
    if response.status_code != 200:
        error_of(response)
