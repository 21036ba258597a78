"""Request ids, and one log line for every request with nothing in it that a client wrote."""

import re

import httpx
import pytest
from support import NEWS

KEY, ADMIN = "a-configured-key", "a-configured-admin-key"
SECRET = "Zebedee"
GOOD = {"text": NEWS, "labels": ["technology"]}
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def serving(start_command):
    """A server of its own process, whose whole standard error is its log."""
    keys = {"NLI_TAGGER_API_KEYS": KEY, "NLI_TAGGER_ADMIN_KEYS": ADMIN}
    with start_command("--port", "0", NLI_TAGGER_LOG_LEVEL="debug", **keys) as started:
        yield started


@pytest.fixture(scope="module")
def line_of(serving, until):
    """The log line of an answer; it is written after the answer has been sent."""

    def find(response):
        wanted = {"event": "request", "request_id": response.headers["x-request-id"]}
        [line] = until(lambda: serving.log.lines(**wanted))
        return line

    return find


def request(serving, method="POST", path="/v1/tag", **more):
    more = {"headers": HEADERS} | ({"json": GOOD} if method == "POST" and "content" not in more else {}) | more
    return httpx.request(method, serving.url + path, timeout=60, trust_env=False, **more)


CALLS = {
    "good": ({}, 200, "/v1/tag", None),
    "bad field": ({"json": {}}, 422, "/v1/tag", "VALIDATION_ERROR"),
    "bad JSON": ({"content": b"{"}, 400, "/v1/tag", "INVALID_JSON"),
    "no key": ({"headers": {}}, 401, "/v1/tag", "INVALID_API_KEY"),
    "no such path": ({"path": "/nothing"}, 404, "unknown", "NOT_FOUND"),
    "wrong method": ({"method": "PUT"}, 405, "unknown", "METHOD_NOT_ALLOWED"),
    "health": ({"method": "GET", "path": "/health/live"}, 200, "/health/live", None),
}


@pytest.mark.parametrize(("call", "status", "route", "code"), CALLS.values(), ids=CALLS)
def test_each_request_has_one_line_with_its_facts(serving, line_of, call, status, route, code):
    response = request(serving, **call)
    line = line_of(response)
    assert (response.status_code, line["status"], line["route"]) == (status, status, route)
    assert (line["method"], line.get("error_code")) == (call.get("method", "POST"), code)
    assert line["ms"] > 0


def test_a_tagged_text_is_logged_as_counts(serving, line_of):
    response = request(serving, json=GOOD | {"cache": False})
    line = line_of(response)
    assert (line["labels"], line["tokens"]) == (1, response.json()["tokens"])


def test_an_answer_from_the_cache_is_logged_without_tokens(serving, line_of):
    request(serving)
    assert line_of(request(serving))["tokens"] == 0


def test_the_line_names_the_key_by_its_id(serving, line_of):
    keys = {"Authorization": f"Bearer {ADMIN}"}
    made = request(serving, path="/v1/keys", json={"name": "importer"}, headers=HEADERS | keys).json()
    own = {"Authorization": f"Bearer {made['key']}"}
    assert line_of(request(serving, headers=HEADERS | own))["key"] == made["id"]
    assert re.fullmatch("settings-[0-9a-f]{8}", line_of(request(serving))["key"])
    assert "key" not in line_of(request(serving, headers={}))


def test_the_line_names_the_version_of_a_saved_classifier(serving, line_of):
    saved = {"name": "news", "labels": ["technology"]}
    request(serving, path="/v1/classifiers", json=saved, headers=HEADERS | {"Authorization": f"Bearer {ADMIN}"})
    assert line_of(request(serving, json={"text": NEWS, "classifier": "news"}))["classifier"] == "news@v1"
    assert "classifier" not in line_of(request(serving, json={"text": NEWS, "classifier": "unknown"}))
    assert "classifier" not in line_of(request(serving))


PLACES = {
    "text": {"json": GOOD | {"text": SECRET}},
    "label": {"json": GOOD | {"labels": [SECRET]}},
    "duplicate label": {"json": GOOD | {"labels": [SECRET, SECRET]}},
    "description": {"json": GOOD | {"descriptions": {"technology": SECRET}}},
    "unknown described label": {"json": GOOD | {"descriptions": {SECRET: "x"}}},
    "text type": {"json": GOOD | {"text_type": SECRET}},
    "priority": {"json": GOOD | {"priority": SECRET}},
    "threshold": {"json": GOOD | {"threshold": SECRET}},
    "image": {"json": GOOD | {"image": SECRET}},
    "unknown field": {"json": GOOD | {SECRET: SECRET}},
    "body that is a string": {"json": SECRET},
    "invalid JSON": {"content": b'{"text": "' + SECRET.encode()},
    "invalid UTF-8": {"content": SECRET.encode() + b"\xff"},
    "path": {"path": f"/v1/{SECRET}"},
    "path of a file": {"method": "GET", "path": f"/docs/assets/{SECRET}"},
    "query string": {"path": f"/v1/tag?{SECRET}={SECRET}"},
    "method": {"method": SECRET.upper()},
    "key": {"headers": HEADERS | {"Authorization": f"Bearer {SECRET}"}},
    "scheme": {"headers": HEADERS | {"Authorization": f"{SECRET} x"}},
    "content type": {"headers": HEADERS | {"Content-Type": SECRET}},
    "request id that is not plain": {"headers": HEADERS | {"X-Request-ID": f"{SECRET} {SECRET}"}},
    "user agent": {"headers": HEADERS | {"User-Agent": SECRET}},
    "cookie": {"headers": HEADERS | {"Cookie": f"session={SECRET}"}},
    "host": {"headers": HEADERS | {"Host": SECRET}},
    "unknown header": {"headers": HEADERS | {f"X-{SECRET}": SECRET}},
}


@pytest.mark.parametrize("call", PLACES.values(), ids=PLACES)
def test_what_a_client_writes_is_not_logged(serving, line_of, call):
    before = len(serving.log.text())
    line_of(request(serving, **call))
    assert SECRET.lower() not in serving.log.text()[before:].lower()


def test_the_configured_keys_are_not_logged(serving, line_of):
    line_of(request(serving))
    assert not re.search(f"{KEY}|{ADMIN}", serving.log.text())


@pytest.mark.parametrize("sent", [f"{SECRET}\r\n\r\n", f"GET / HTTP/1.1\r\n{SECRET}\r\n\r\n"])
def test_what_is_not_http_is_refused_without_being_logged(serving, send_raw, sent):
    before = len(serving.log.text())
    assert send_raw(serving.url, sent.encode()).startswith(b"HTTP/1.1 400")
    assert SECRET not in serving.log.text()[before:]


def test_every_line_of_the_log_is_json_with_a_time_and_a_level(serving, line_of):
    line_of(request(serving))
    lines = serving.log.lines()
    assert len(lines) > 1
    assert all({"event", "timestamp", "level"} <= set(line) for line in lines)


@pytest.mark.parametrize("sent", ["a", "abc-1.2_3", "7f3d9c5e-2b1a-4c8d-9e0f-112233445566", "x" * 64])
def test_a_plain_request_id_of_the_client_is_kept(server, sent):
    assert server.client.post("/v1/tag", json=GOOD, headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "<script>", 'a"b', "ü".encode(), "a,b"])
def test_any_other_request_id_is_replaced(server, sent):
    answered = server.client.post("/v1/tag", json=GOOD, headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", answered)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("GET", "/v1/tag"), ("GET", "/docs"), ("GET", "/health/live")]
)
def test_every_answer_has_a_request_id_of_its_own(server, method, path):
    ids = {server.client.request(method, path).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
